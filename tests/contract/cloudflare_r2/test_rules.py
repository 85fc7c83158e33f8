"""Lifecycle, locks and CORS, as clients meet them."""

from __future__ import annotations

import secrets
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from localcloud.cloudflare.dataplane import interface
from localcloud.cloudflare.r2 import public
from localcloud.cloudflare.r2.plane import R2Objects
from localcloud.cloudflare.r2.store import Store
from localcloud.cloudflare.r2.sweep import Swept, sweep

from .conftest import R2, Clock

DAY = 86400


def expire(name: str, prefix: str, age: int) -> dict[str, Any]:
    condition = {"type": "Age", "maxAge": age}
    return {
        "id": name,
        "enabled": True,
        "conditions": {"prefix": prefix},
        "deleteObjectsTransition": {"condition": condition},
    }


def test_backups_expire_by_age_below_their_prefix_only(r2: R2, s3: Any, bucket: str) -> None:
    """Backups that never go fill the bill; a rule that reaches past its prefix deletes what must stay."""
    r2.store.set_lifecycle(bucket, [*r2.store.bucket(bucket).lifecycle, expire("old", "medusa/", 30 * DAY)])
    for key in ("medusa/old", "other/old"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    s3.create_multipart_upload(Bucket=bucket, Key="never-ended")
    r2.clock.now += 29 * DAY
    s3.put_object(Bucket=bucket, Key="medusa/new", Body=b"x")
    assert sweep(r2.store) == Swept(aborted=1)
    r2.clock.now += DAY
    assert sweep(r2.store) == Swept(deleted=1)
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["medusa/new", "other/old"]


def test_old_objects_move_to_the_cheaper_class(r2: R2, s3: Any, bucket: str) -> None:
    """A transition that is ignored here is first seen to be wrong on the bill."""
    step = {"condition": {"type": "Age", "maxAge": DAY}, "storageClass": "InfrequentAccess"}
    r2.store.set_lifecycle(
        bucket, [{"id": "cold", "enabled": True, "conditions": {}, "storageClassTransitions": [step]}]
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    r2.clock.now += DAY
    assert sweep(r2.store) == Swept(moved=1) and sweep(r2.store) == Swept()
    assert s3.head_object(Bucket=bucket, Key="k")["StorageClass"] == "STANDARD_IA"


def test_a_lock_holds_against_everybody_until_it_ends(r2: R2, s3: Any, bucket: str) -> None:
    """Ransomware on a server has the bucket's key: for the lock's time it can neither delete nor overwrite."""
    lock = {"id": "keep", "enabled": True, "prefix": "medusa/", "condition": {"type": "Age", "maxAgeSeconds": 7 * DAY}}
    r2.store.set_lock(bucket, [lock])
    r2.store.set_lifecycle(bucket, [expire("all", "", DAY)])
    s3.put_object(Bucket=bucket, Key="medusa/a", Body=b"x")
    r2.clock.now += 6 * DAY
    assert sweep(r2.store) == Swept()
    for attempt in (
        lambda: s3.delete_object(Bucket=bucket, Key="medusa/a"),
        lambda: s3.put_object(Bucket=bucket, Key="medusa/a", Body=b"y"),
        lambda: s3.copy_object(
            Bucket=bucket, Key="medusa/a", CopySource=f"{bucket}/medusa/a", MetadataDirective="REPLACE"
        ),
    ):
        with pytest.raises(ClientError) as caught:
            attempt()
        assert caught.value.response["Error"]["Code"] == "ObjectLockedByBucketPolicy"
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "medusa/a"}, {"Key": "free"}]})
    assert [error["Key"] for error in answer["Errors"]] == ["medusa/a"]
    r2.clock.now += DAY
    assert sweep(r2.store) == Swept(deleted=1)


def test_browsers_are_let_in_by_rule(r2: R2, s3: Any, bucket: str) -> None:
    """An upload from the admin's page fails in the browser alone, never in curl."""
    allowed = {"origins": ["https://*.example.com"], "methods": ["GET", "PUT"], "headers": ["content-type"]}
    r2.store.set_cors(bucket, [{"allowed": allowed, "exposeHeaders": ["etag"], "maxAgeSeconds": 60}])
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    url = f"{r2.url}/{bucket}/k"
    asked = {"origin": "https://a.example.com", "access-control-request-method": "PUT"}
    told = httpx.options(url, headers={**asked, "access-control-request-headers": "Content-Type"})
    assert (told.status_code, told.headers["access-control-allow-origin"]) == (204, asked["origin"])
    assert httpx.options(url, headers={**asked, "access-control-request-headers": "x-other"}).status_code == 403
    assert httpx.options(url, headers={**asked, "origin": "https://evil.example"}).status_code == 403
    signed = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    assert httpx.get(signed, headers={"origin": asked["origin"]}).headers["access-control-expose-headers"] == "etag"


async def test_a_public_bucket_shows_its_objects_and_nothing_else(r2: R2, s3: Any, bucket: str) -> None:
    """A public bucket that also lists itself, takes uploads, or opens its neighbour."""
    s3.put_object(Bucket=bucket, Key="a b/ü", Body=b"x", ContentType="text/plain", CacheControl="max-age=5")
    transport = httpx.ASGITransport(public.create(r2.store, {"files.localhost": bucket}.get))
    async with httpx.AsyncClient(transport=transport, base_url="http://files.localhost:8480") as client:
        got = await client.get("/a b/ü")
        assert (got.content, got.headers["content-type"], got.headers["cache-control"]) == (
            b"x",
            "text/plain",
            "max-age=5",
        )
        assert (await client.get("/a b/ü", headers={"if-none-match": got.headers["etag"]})).status_code == 304
        assert (await client.get("/")).status_code == 404
        assert (await client.put("/new", content=b"x")).status_code == 405
        assert (await client.get("http://other.localhost/a b/ü")).status_code == 404


def test_what_is_declared_is_what_is_served(tmp_path: Any) -> None:
    """The control plane tells the whole state each time; a restart must lose no object, a removed key must end."""
    clock, token = Clock(), secrets.token_hex(16)
    store = Store(tmp_path, clock)
    plane = R2Objects(store)
    lock = {"id": "l", "enabled": True, "prefix": "", "condition": {"type": "Indefinite"}}
    eu = interface.Bucket("backups", "eu", locks=(lock,))
    key = interface.Credential(token, "s", frozenset({("eu", "backups")}))
    plane.apply([interface.Bucket("backups"), eu], [key])
    plane.put("eu", "backups", "k", b"x", "t/t")
    with pytest.raises(interface.Locked):
        plane.delete("eu", "backups", "k")
    plane.check_empty("default", "backups")
    with pytest.raises(interface.BucketNotEmpty):
        plane.check_empty("eu", "backups")
    found = plane.keys.find(token)
    assert found and found.may("eu.backups", True) and not found.may("backups", False)
    store.close()
    plane = R2Objects(Store(tmp_path, clock))
    plane.apply([eu], [])
    got = plane.get("eu", "backups", "k")
    assert got and (got[1], got[0].content_type) == (b"x", "t/t") and plane.keys.find(token) is None
    assert [bucket.name for bucket in plane.store.buckets()] == ["eu.backups"]
    plane.store.close()
