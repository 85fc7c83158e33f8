"""boto3 against R2: what backups and Workers' tools rely on."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from localcloud.cloudflare.r2.keys import AccessKey, Grant

from .conftest import R2


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_an_object_comes_back_as_it_was_put(s3: Any, bucket: str) -> None:
    """A backup that comes back with other bytes or without its metadata is no backup."""
    data = secrets.token_bytes(300_000)
    put = s3.put_object(Bucket=bucket, Key="medusa/a.dump", Body=data, ContentType="x/y", Metadata={"taken": "today"})
    got = s3.get_object(Bucket=bucket, Key="medusa/a.dump", ChecksumMode="ENABLED")
    assert got["Body"].read() == data
    assert (got["ContentType"], got["Metadata"], got["ETag"]) == ("x/y", {"taken": "today"}, put["ETag"])
    assert got["ChecksumCRC32"] == put["ChecksumCRC32"]
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["medusa/a.dump"]
    s3.delete_object(Bucket=bucket, Key="medusa/a.dump")
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket=bucket, Key="medusa/a.dump")
    assert code(caught) == "NoSuchKey"


def test_wrong_keys_open_nothing(r2: R2, bucket: str) -> None:
    """A stand-in that takes any key hides that production's key was never set."""
    right = r2.key(Grant(None, write=True))
    with pytest.raises(ClientError) as caught:
        r2.client(AccessKey(right.id, "0" * 64)).put_object(Bucket=bucket, Key="k", Body=b"x")
    assert code(caught) == "SignatureDoesNotMatch"
    with pytest.raises(ClientError) as caught:
        r2.client(AccessKey("f" * 32, right.secret)).list_objects_v2(Bucket=bucket)
    assert code(caught) == "InvalidAccessKeyId"


def test_a_key_reaches_what_its_token_says_and_no_more(r2: R2, bucket: str) -> None:
    """The backups' key, stolen from a server, must not open the other buckets, nor make or delete any."""
    r2.store.create_bucket(other := f"other-{secrets.token_hex(6)}")
    scoped, reader = r2.client(r2.key(Grant(bucket, write=True))), r2.client(r2.key(Grant(bucket)))
    scoped.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert reader.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    refused = (
        lambda: reader.put_object(Bucket=bucket, Key="k", Body=b"y"),
        lambda: reader.delete_object(Bucket=bucket, Key="k"),
        lambda: scoped.get_object(Bucket=other, Key="k"),
        lambda: scoped.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": other, "Key": "k"}),
        lambda: scoped.list_buckets(),
        lambda: scoped.create_bucket(Bucket="new-bucket"),
        lambda: scoped.delete_bucket(Bucket=bucket),
    )
    for attempt in refused:
        with pytest.raises(ClientError) as caught:
            attempt()
        assert code(caught) == "AccessDenied"


KEYS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="￾￿"), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=KEYS.filter(lambda key: not {".", ".."} & set(key.split("/"))))
@example(key="a b+c%20d%2F/ü~*'()!@:&=$,;?#[]")
@example(key="/leading//double/")
@example(key="x/%")
def test_any_key_works(s3: Any, bucket: str, key: str) -> None:
    """An odd key must not turn a right signature into a wrong one, nor be listed under another name."""
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})
    assert [entry["Key"] for entry in answer["Deleted"]] == [key]
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
