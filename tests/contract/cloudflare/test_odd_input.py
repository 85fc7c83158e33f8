"""What nobody should send, and what clients send that nobody thought of: an answer for each, never a failure."""

from __future__ import annotations

import base64

import pytest

from tests.contract.cloudflare.serving import Served


@pytest.fixture
def namespace(api: Served) -> str:
    return str(api.result("POST", "A/storage/kv/namespaces", {"title": "flags"})["id"])


def test_many_keys_are_read_at_once(api: Served, namespace: str) -> None:
    """``wrangler kv bulk get`` and the SDK's ``bulk_get`` found no such route."""
    one = f"A/storage/kv/namespaces/{namespace}/bulk"
    sent = [{"key": "a", "value": '{"n":1}', "metadata": {"m": 2}}, {"key": "b", "value": "aGk=", "base64": True}]
    api.result("PUT", one, sent)
    read = api.result("POST", f"{one}/get", {"keys": ["a", "b", "none"]})
    assert read == {"values": {"a": '{"n":1}', "b": "hi", "none": None}}
    read = api.result("POST", f"{one}/get", {"keys": ["a"], "type": "json", "withMetadata": True})
    assert read == {"values": {"a": {"value": {"n": 1}, "metadata": {"m": 2}}}}
    assert api.error("POST", f"{one}/get", {"keys": ["b"], "type": "json"}) == (400, 10021)
    assert api.error("POST", f"{one}/get", {"keys": []}) == (400, 10021)
    typed = api.sdk.kv.namespaces.bulk_get(namespace, account_id=api.account, keys=["a", "b"])
    assert typed is not None and typed.values is not None and set(typed.values) == {"a", "b"}


def test_a_bulk_write_that_is_wrong_writes_nothing(api: Served, namespace: str) -> None:
    """The pairs before the wrong one were written, and the wrong one answered 500."""
    one = f"A/storage/kv/namespaces/{namespace}/bulk"
    for wrong in ({"key": "b", "value": "%", "base64": True}, {"key": "..", "value": "x"}, {"key": "b"}, 5):
        assert api.error("PUT", one, [{"key": "a", "value": "1"}, wrong])[0] == 400
    assert api.result("GET", f"A/storage/kv/namespaces/{namespace}/keys") == []
    for wrong in (5, "x", {}, [1, None, {}]):
        assert api.error("POST", f"{one}/delete", wrong) == (400, 10021)


def test_a_form_without_its_value_is_refused(api: Served, namespace: str) -> None:
    """A client that misspelled the part emptied the key."""
    path = f"A/storage/kv/namespaces/{namespace}/values/k"
    assert api.error("PUT", path, files={"metadata": (None, "{}")}) == (400, 10021)


def test_bodies_that_cannot_be_read_are_the_clients_mistake(api: Served) -> None:
    """A client retries 500 for minutes; 400 it shows at once."""
    api.script()
    for content in (b"[" * 200_000, b"{", b"\xff", b"5"):
        for method, path in (("POST", "Z/dns_records"), ("POST", "A/workers/scripts/shop/domains/changeset")):
            assert api.error(method, path, content=content)[0] == 400


def test_a_tail_is_refused_with_a_way_to_the_logs(api: Served) -> None:
    """``wrangler tail`` said that an identifier is invalid."""
    api.script()
    answer = api.ask("POST", "A/workers/scripts/shop/tails", {})
    assert answer.status_code == 501 and "workerd.log" in answer.json()["errors"][0]["message"]


def test_base64_of_values_is_strict(api: Served, namespace: str) -> None:
    """Half a value was kept where the rest of it was no Base64."""
    sent = [{"key": "a", "value": base64.b64encode(b"whole").decode() + "!", "base64": True}]
    assert api.error("PUT", f"A/storage/kv/namespaces/{namespace}/bulk", sent) == (400, 10021)


def test_a_custom_domain_has_no_wildcard(api: Served) -> None:
    """Cloudflare refuses it: what a preview shows as created would fail in production."""
    api.script()
    zone = api.zone
    sent = {"hostname": "*.example.localhost", "service": "shop", "zone_id": zone}
    assert api.error("PUT", "A/workers/domains", sent) == (400, 100114)
