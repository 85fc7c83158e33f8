"""R2 buckets, KV namespaces and images: what is declared, and what is put in through the API."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from localcloud.cloudflare.accounts.groups import GROUPS
from tests.contract.cloudflare.serving import ZONE, Served

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_a_bucket_is_shown_as_the_provider_expects_it(api: Served) -> None:
    made = api.result("POST", "A/r2/buckets", {"name": "backups", "locationHint": "weur"})
    assert {key: made[key] for key in ("name", "location", "storage_class", "jurisdiction")} == {
        "name": "backups", "location": "weur", "storage_class": "Standard", "jurisdiction": "default",
    }  # fmt: skip
    bucket = api.sdk.r2.buckets.get("backups", account_id=api.account)
    assert bucket.creation_date
    assert api.error("POST", "A/r2/buckets", {"name": "backups"}) == (409, 10004)
    assert api.error("POST", "A/r2/buckets", {"name": "No_Bucket"}) == (400, 10005)
    assert api.error("GET", "A/r2/buckets/other") == (404, 10006)
    headers = {"cf-r2-storage-class": "InfrequentAccess"}
    assert api.result("PATCH", "A/r2/buckets/backups", headers=headers)["storage_class"] == "InfrequentAccess"
    api.result("DELETE", "A/r2/buckets/backups")
    assert api.error("DELETE", "A/r2/buckets/backups") == (404, 10006)


def test_wrangler_sends_a_bucket_as_text(api: Served) -> None:
    response = api.ask(
        "POST", "A/r2/buckets", content=b'{"name":"auto"}', headers={"content-type": "text/plain;charset=UTF-8"}
    )
    assert response.is_success
    listed = api.sdk.r2.buckets.list(account_id=api.account)
    assert [one.name for one in listed.buckets or []] == ["auto"]


def test_jurisdictions_are_kept_apart(api: Served) -> None:
    eu = {"cf-r2-jurisdiction": "eu"}
    api.result("POST", "A/r2/buckets", {"name": "data"}, headers=eu)
    assert api.error("GET", "A/r2/buckets/data") == (404, 10006)
    assert api.result("GET", "A/r2/buckets/data", headers=eu)["jurisdiction"] == "eu"


def test_a_list_of_buckets_goes_on_by_cursor(api: Served) -> None:
    for number in range(5):
        api.result("POST", "A/r2/buckets", {"name": f"bucket-{number}"})
    seen: list[str] = []
    cursor = ""
    while True:
        answer = api.ask("GET", f"A/r2/buckets?per_page=2&cursor={cursor}").json()
        seen += [one["name"] for one in answer["result"]["buckets"]]
        cursor = answer["result_info"].get("cursor", "")
        if not cursor:
            break
    assert seen == [f"bucket-{number}" for number in range(5)]


def test_rules_of_a_bucket_are_replaced_as_a_whole_and_keep_their_order(api: Served) -> None:
    """An unused transition that is shown as null is a change on every `pulumi up`."""
    api.result("POST", "A/r2/buckets", {"name": "backups"})
    default = api.result("GET", "A/r2/buckets/backups/lifecycle")["rules"]
    assert [one["id"] for one in default] == ["Default Multipart Abort Rule"]
    rules = [
        {"id": "z", "enabled": True, "conditions": {"prefix": "medusa/"},
         "deleteObjectsTransition": {"condition": {"type": "Age", "maxAge": 2592000}}},
        {"id": "a", "enabled": False, "conditions": {"prefix": ""},
         "abortMultipartUploadsTransition": {"condition": {"type": "Age", "maxAge": 86400}}},
    ]  # fmt: skip
    api.result("PUT", "A/r2/buckets/backups/lifecycle", {"rules": rules})
    assert api.result("GET", "A/r2/buckets/backups/lifecycle") == {"rules": rules}
    lock = [{"id": "keep", "enabled": True, "prefix": "medusa/", "condition": {"type": "Age", "maxAgeSeconds": 86400}}]
    api.result("PUT", "A/r2/buckets/backups/lock", {"rules": lock})
    assert api.result("GET", "A/r2/buckets/backups/lock") == {"rules": lock}
    account = api.account
    assert api.sdk.r2.buckets.lifecycle.get("backups", account_id=account).rules
    assert api.sdk.r2.buckets.locks.get("backups", account_id=account).rules
    assert api.error("GET", "A/r2/buckets/backups/cors") == (404, 10059)
    cors = [{"allowed": {"methods": ["GET"], "origins": ["https://x.test"]}, "maxAgeSeconds": 60}]
    api.result("PUT", "A/r2/buckets/backups/cors", {"rules": cors})
    assert api.result("GET", "A/r2/buckets/backups/cors")["rules"][0]["allowed"]["methods"] == ["GET"]
    api.result("DELETE", "A/r2/buckets/backups/cors")
    told = api.settled().objects.buckets[0]
    assert [rule["id"] for rule in told.lifecycle] == ["z"] and told.locks[0]["id"] == "keep" and told.cors == ()


@pytest.mark.parametrize(
    ("part", "rule"),
    [
        ("lifecycle", {"id": "a", "enabled": True}),
        ("lifecycle", {"enabled": True, "deleteObjectsTransition": {"condition": {"type": "Age", "maxAge": 1}}}),
        ("lifecycle", {"id": "a", "enabled": True, "deleteObjectsTransition": {"condition": {"type": "Age"}}}),
        ("lock", {"id": "a", "enabled": True, "condition": {"type": "Age"}}),
        ("cors", {"allowed": {"methods": ["FETCH"], "origins": ["*"]}}),
    ],
)
def test_a_rule_that_would_do_nothing_is_refused(api: Served, part: str, rule: dict[str, Any]) -> None:
    """A backup's lifecycle that never fired was found when the bill came."""
    api.result("POST", "A/r2/buckets", {"name": "backups"})
    assert api.error("PUT", f"A/r2/buckets/backups/{part}", {"rules": [rule]})[0] == 400


def test_host_names_of_a_bucket_have_records_of_their_own(api: Served) -> None:
    api.result("POST", "A/r2/buckets", {"name": "media"})
    host = f"media.{ZONE}"
    sent = {"domain": host, "zoneId": api.zone, "enabled": True, "minTLS": "1.2"}
    made = api.result("POST", "A/r2/buckets/media/domains/custom", sent)
    assert made["zoneName"] == ZONE and made["status"] == {"ownership": "active", "ssl": "active"}
    assert api.result("GET", f"Z/dns_records?name={host}")[0]["meta"]["r2_bucket"] == "media"
    account = api.account
    domains = api.sdk.r2.buckets.domains
    assert domains.custom.get(host, account_id=account, bucket_name="media").min_tls == "1.2"
    assert api.settled().objects.buckets[0].domains == (host,)
    managed = domains.managed.update("media", account_id=account, enabled=True)
    assert managed.domain.endswith(".r2.localhost") and managed.enabled
    domains.custom.delete(host, account_id=account, bucket_name="media")
    assert api.result("GET", f"Z/dns_records?name={host}") == []


def test_a_bucket_with_objects_is_not_deleted(api: Served) -> None:
    api.result("POST", "A/r2/buckets", {"name": "backups"})
    path = "A/r2/buckets/backups/objects/medusa%2F2025-01-01%20x.dump"
    api.result("PUT", path, content=b"dump", headers={"content-type": "application/x-dump"})
    assert api.ask("GET", path).content == b"dump"
    assert [one["key"] for one in api.result("GET", "A/r2/buckets/backups/objects?prefix=medusa/")] == [
        "medusa/2025-01-01 x.dump"
    ]
    assert api.error("DELETE", "A/r2/buckets/backups") == (409, 10008)
    api.result("DELETE", path)
    assert api.ask("DELETE", "A/r2/buckets/backups").is_success


def test_a_token_for_one_bucket_is_an_s3_key_for_it_alone(api: Served) -> None:
    """The backups' key that could also read customers' files."""
    api.result("POST", "A/r2/buckets", {"name": "backups"})
    group = next(one for one in GROUPS if one["name"] == "Workers R2 Storage Bucket Item Write")
    resource = f"com.cloudflare.edge.r2.bucket.{api.account}_default_backups"
    policy = {"effect": "allow", "permission_groups": [{"id": group["id"]}], "resources": {resource: "*"}}
    token = api.result("POST", "A/tokens", {"name": "backups", "policies": [policy]})
    key = api.settled().objects.credentials[-1]
    assert key.access == token["id"] and key.buckets == {("default", "backups")} and key.write
    import hashlib

    assert key.secret == hashlib.sha256(token["value"].encode()).hexdigest()


def test_values_of_a_namespace_are_read_as_they_were_written(api: Served) -> None:
    namespace = api.sdk.kv.namespaces.create(account_id=api.account, title="flags")
    assert namespace is not None
    base = f"A/storage/kv/namespaces/{namespace.id}"
    assert api.error("POST", "A/storage/kv/namespaces", {"title": "flags"}) == (400, 10014)
    api.result("PUT", f"{base}/values/a%2Fb", files={"value": (None, b"\x00one"), "metadata": (None, b'{"m":1}')})
    assert api.ask("GET", f"{base}/values/a%2Fb").content == b"\x00one"
    assert api.result("GET", f"{base}/metadata/a%2Fb") == {"m": 1}
    api.result("PUT", f"{base}/values/plain?expiration_ttl=120", content=b"two")
    pairs = [{"key": "bulk", "value": "dGhyZWU=", "base64": True}]
    api.result("PUT", f"{base}/bulk", pairs)
    keys = list(api.sdk.kv.namespaces.keys.list(namespace.id, account_id=api.account, limit=10))
    assert [one.name for one in keys] == ["a/b", "bulk", "plain"]
    assert api.error("GET", f"{base}/values/none") == (404, 10009)
    assert api.error("PUT", f"{base}/values/x?expiration_ttl=5", content=b"x")[0] == 400
    changed = api.result("PUT", base, {"title": "switches"})
    assert changed["title"] == "switches"
    api.result("DELETE", base)
    assert api.error("GET", f"{base}/values/plain") == (404, 10013)


def test_an_image_is_uploaded_and_described(api: Served) -> None:
    """A file without a name is a form's field to the real API, which refuses it."""
    form = {"id": (None, "products/cup"), "file": ("cup.png", PNG, "image/png"), "metadata": (None, '{"sku":"1"}')}
    made = api.result("POST", "A/images/v1", files=form)
    assert made["id"] == "products/cup" and made["meta"] == {"sku": "1"} and made["requireSignedURLs"] is False
    assert made["variants"][0].endswith("/products/cup/public")
    read = api.sdk.images.v1.get("products/cup", account_id=api.account)
    assert read.filename == "cup.png"
    assert api.error("POST", "A/images/v1", files=form) == (409, 5409)
    nameless = {"file": (None, PNG)}
    assert api.error("POST", "A/images/v1", files=nameless) == (415, 5415)
    assert api.error("POST", "A/images/v1", files={"file": ("a.png", b"text")})[0] == 415
    assert api.error("POST", "A/images/v1", files={"url": (None, "https://198.51.100.1/a.png")}) == (400, 5452)
    changed = api.result("PATCH", "A/images/v1/products%2Fcup", files={"metadata": (None, '{"sku":"2"}')})
    assert changed["meta"] == {"sku": "2"}
    assert api.ask("GET", "A/images/v1/products%2Fcup/blob").content == PNG
    listed = api.result("GET", "A/images/v1")["images"]
    assert [one["id"] for one in listed] == ["products/cup"]
    assert api.result("GET", "A/images/v1?page=2")["images"] == []
    assert set(api.settled().pictures.library.pictures) == {"products/cup"}
    api.result("DELETE", "A/images/v1/products%2Fcup")
    assert api.error("GET", "A/images/v1/products%2Fcup") == (404, 5404)


def test_a_variant_carries_its_id_where_clients_look_for_it(api: Served) -> None:
    """Without result.id every refresh takes the variant for lost, and replaces it."""
    sent = {"id": "card", "options": {"fit": "cover", "width": 400, "height": 300, "metadata": "none"}}
    made = api.result("POST", "A/images/v1/variants", sent)
    assert made["id"] == "card" and made["variant"]["options"] == sent["options"]
    changed = api.result("PATCH", "A/images/v1/variants/card", {"options": {"width": 640}})
    assert changed["variant"]["options"] == {**sent["options"], "width": 640}
    assert api.result("GET", "A/images/v1/variants/card") == changed
    assert api.sdk.images.v1.variants.get("card", account_id=api.account).variant
    assert set(api.result("GET", "A/images/v1/variants")["variants"]) == {"public", "card"}
    bad = {**sent, "id": "bad", "options": {"fit": "stretch", "width": 1, "height": 1}}
    assert api.error("POST", "A/images/v1/variants", bad) == (400, 5400)
    api.result("DELETE", "A/images/v1/variants/card")
    assert api.error("GET", "A/images/v1/variants/card") == (404, 5404)
