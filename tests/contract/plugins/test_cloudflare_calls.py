"""The cloudflare plugin's calls: retries, errors, lookups, secrets, and what a preview may not know."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.plugins.base.operations import Call
from localcloud.plugins.base.values import SECRET_SIGNATURE, SIGNATURE, UNKNOWN
from tests.contract.plugins.cloudflare_case import ID, A, Z
from tests.contract.plugins.cloudflare_stub import ACCOUNT, NOW, ZONE, Stub
from tests.contract.plugins.driver import Failed, Plugin

RECORD = {"zoneId": ZONE, "name": "a.localhost", "type": "A", "content": "192.0.2.1", "ttl": 1, "proxied": True}


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the plugin would have waited, without the waiting."""
    waited: list[float] = []
    monkeypatch.setattr(Call, "pause", lambda self, seconds: waited.append(seconds))
    return waited


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_passes_is_tried_again(status: int, stub: Stub, cloudflare: Plugin, pauses: list[float]) -> None:
    stub.fail(status, times=3)
    cloudflare.create("DnsRecord", "r", **RECORD)
    assert stub.lines == [f"POST {Z}/dns_records"] * 4
    assert all(low <= pause <= high for pause, (low, high) in zip(pauses, [(1.5, 2), (3, 4), (6, 8)], strict=True))


def test_ten_times_and_no_more(stub: Stub, cloudflare: Plugin, pauses: list[float]) -> None:
    stub.fail(409, times=99, code=100117)
    with pytest.raises(Failed, match=r"409 Conflict: asked to fail \(100117\)"):
        cloudflare.create("DnsRecord", "r", **RECORD)
    assert len(stub.requests) == 11 and len(pauses) == 10 and max(pauses) <= 30


def test_the_server_may_say_that_it_is_no_use(stub: Stub, cloudflare: Plugin, pauses: list[float]) -> None:
    """Without it a conflict that only a person can end holds an update for three minutes."""
    stub.fail(409, times=99, x_should_retry="false")
    with pytest.raises(Failed):
        cloudflare.create("DnsRecord", "r", **RECORD)
    assert len(stub.requests) == 1 and pauses == []


def test_or_that_it_is(stub: Stub, cloudflare: Plugin, pauses: list[float]) -> None:
    stub.fail(400, x_should_retry="true", Retry_After="7")
    cloudflare.create("DnsRecord", "r", **RECORD)
    assert pauses == [7]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_what_does_not_pass_is_told_at_once(status: int, stub: Stub, cloudflare: Plugin) -> None:
    stub.fail(status, code=81058)
    with pytest.raises(Failed, match=rf"POST \S+/dns_records: {status} .*asked to fail \(81058\)"):
        cloudflare.create("DnsRecord", "r", **RECORD)
    assert len(stub.requests) == 1


def test_what_is_gone_cannot_be_deleted(stub: Stub, cloudflare: Plugin) -> None:
    """The provider has it so for every resource: a refresh forgets it first."""
    made = cloudflare.create("DnsRecord", "r", **RECORD)
    stub.things.clear()
    assert cloudflare.read(made) is None
    with pytest.raises(Failed, match="404"):
        cloudflare.delete(made)


def test_no_cloud_is_told_at_once(cloudflare: Plugin) -> None:
    cloudflare.configure(apiToken="t" * 40, baseUrl="http://127.0.0.1:9/client/v4")
    with pytest.raises(
        Failed, match=r"nothing listens at 127.0.0.1:9; is the cloud running\?.*python -m localcloud start"
    ):
        cloudflare.create("DnsRecord", "r", **RECORD)


def test_an_endpoint_elsewhere_is_refused_before_the_first_call(cloudflare: Plugin) -> None:
    with pytest.raises(Failed, match="is not on this machine"):
        cloudflare.configure(apiToken="t" * 40, baseUrl="https://api.cloudflare.com/client/v4")


@pytest.mark.parametrize(
    ("kind", "inputs", "property", "words"),
    [
        ("DnsRecord", RECORD | {"ttl": 300}, "ttl", "ttl must be set to 1 when proxied is true"),
        ("DnsRecord", {**RECORD, "colour": "red"}, "colour", "unsupported argument"),
        ("DnsRecord", {"zoneId": ZONE, "name": "a", "ttl": 1}, "type", "missing required argument"),
        ("Ruleset", {"name": "n", "kind": "zone", "phase": "p"}, "accountId", "exactly one of accountId and zoneId"),
        ("R2BucketLock", {"accountId": ACCOUNT, "bucketName": "b", "rules": [{"id": "x"}]}, "rules", "missing"),
        ("WorkersCronTrigger", {"accountId": ACCOUNT, "scriptName": "s", "schedules": "x"}, "schedules", "a list"),
    ],
)
def test_inputs_that_cannot_be(
    kind: str, inputs: dict[str, Any], property: str, words: str, stub: Stub, cloudflare: Plugin
) -> None:
    assert words in cloudflare.problems(kind, "r", inputs)[1][property]
    assert stub.requests == []


def test_a_preview_with_what_is_not_known_yet(stub: Stub, cloudflare: Plugin) -> None:
    """A record of an address that is still to be made; and a token whose value only its making tells."""
    preview = cloudflare.create("DnsRecord", "r", preview=True, **RECORD | {"content": UNKNOWN})
    assert preview.outputs["content"] is UNKNOWN and preview.outputs["createdOn"] is UNKNOWN
    made = cloudflare.create("DnsRecord", "r", **RECORD)
    stub.requests.clear()
    assert cloudflare.diff(made, RECORD | {"content": UNKNOWN}).changes == {"content": "update"}
    changed = cloudflare.update(made, preview=True, **RECORD | {"content": UNKNOWN})
    assert changed.outputs["content"] is UNKNOWN and changed.outputs["name"] == "a.localhost"
    assert stub.requests == []


def test_a_tokens_value_is_kept_secret_and_kept(stub: Stub, cloudflare: Plugin) -> None:
    """It is told once: a refresh or an update that forgets it makes the backups' keys useless."""
    stub.shapes.append((rf"{A}/tokens", lambda thing: thing | {"value": "v" * 40, "status": "active"}))
    inputs = {
        "accountId": ACCOUNT,
        "name": "backups",
        "policies": [{"effect": "allow", "permissionGroups": [{"id": "g"}], "resources": '{"a": "*"}'}],
    }
    made = cloudflare.create("AccountToken", "t", **inputs)
    secret = cloudflare.raw["Create"].properties.fields["value"].struct_value.fields
    assert secret[SIGNATURE].string_value == SECRET_SIGNATURE and secret["value"].string_value == "v" * 40
    del stub.things[f"{A}/tokens/{ID}"]["value"]
    stub.things[f"{A}/tokens/{ID}"]["policies"][0]["resources"] = {"a": "*"}
    fresh = cloudflare.settled(made, **inputs)
    assert fresh.outputs["value"] == "v" * 40
    preview = cloudflare.update(made, preview=True, **inputs | {"name": "other"})
    assert preview.outputs["value"] == "v" * 40, "what depends on it does not change with its name"
    assert cloudflare.update(made, **inputs | {"name": "other"}).outputs["value"] == "v" * 40


def test_a_change_behind_the_programs_back_is_found_and_healed(stub: Stub, cloudflare: Plugin) -> None:
    made = cloudflare.create("DnsRecord", "r", **RECORD)
    stub.things[f"{Z}/dns_records/{ID}"] |= {"content": "192.0.2.99", "comment": "by hand"}
    fresh = cloudflare.read(made)
    assert fresh is not None and fresh.inputs == made.inputs | {"content": "192.0.2.99"}
    assert cloudflare.diff(fresh, RECORD).changes == {"content": "update", "comment": "delete"}
    cloudflare.update(fresh, **RECORD)
    assert stub.last.body == {name: value for name, value in RECORD.items() if name != "zoneId"}


def test_regions_that_a_health_check_was_given_are_a_difference(stub: Stub, cloudflare: Plugin) -> None:
    """The provider's known trap: a program that does not name them is never done, and must see it here first."""
    stub.shapes.append((r".*/healthchecks", lambda thing: {"check_regions": ["WNAM"]} | thing))
    inputs = {"zoneId": ZONE, "name": "api", "address": "api.localhost"}
    made = cloudflare.create("Healthcheck", "h", **inputs)
    assert cloudflare.diff(made, inputs).changes == {"checkRegions": "delete"}
    assert cloudflare.diff(made, inputs | {"checkRegions": ["WNAM"]}).changes == {}


def test_an_import_id_of_another_form_is_explained(cloudflare: Plugin) -> None:
    with pytest.raises(Failed, match=r"unexpected id 'x' of DnsRecord, expected \{zoneId\}/\{id\}"):
        cloudflare.imported("DnsRecord", "r", "x")
    with pytest.raises(Failed, match="starts with accounts or zones"):
        cloudflare.imported("Ruleset", "r", f"zone/{ZONE}/{ID}")


def test_a_zone_is_looked_up_by_name(stub: Stub, cloudflare: Plugin) -> None:
    zone = {"id": ZONE, "name": "localhost", "account": {"id": ACCOUNT, "name": "Local"}, "plan": {"id": "p"}}
    stub.things[Z] = zone | {"name_servers": ["a", "b"], "status": "active", "created_on": NOW}
    found = cloudflare.invoke("getZone", filter={"name": "localhost", "account": {"id": ACCOUNT}})
    assert found["zoneId"] == found["id"] == ZONE and found["account"]["id"] == ACCOUNT
    assert found["nameServers"] == ["a", "b"] and found["filter"]["name"] == "localhost"
    assert stub.requests[0].query == {"name": ["localhost"], "account.id": [ACCOUNT]}
    assert [one["name"] for one in cloudflare.invoke("getZones", name="localhost")["results"]] == ["localhost"]
    assert cloudflare.invoke("getZone", zoneId=ZONE)["name"] == "localhost"
    stub.special.append((r"/zones", lambda request: (200, [])))
    with pytest.raises(Failed, match=r"no zone found by name other\.localhost"):
        cloudflare.invoke("getZone", filter={"name": "other.localhost"})
    with pytest.raises(Failed, match="exactly one of zoneId and filter"):
        cloudflare.invoke("getZone")


def test_permission_groups_are_looked_up(stub: Stub, cloudflare: Plugin) -> None:
    groups = [{"id": "g", "name": "Workers R2 Storage Bucket Item Write", "scopes": ["com.cloudflare.edge.r2.bucket"]}]
    stub.special.append((r".*/permission_groups", lambda request: (200, groups if "page" not in request.query else [])))
    name = "Workers R2 Storage Bucket Item Write"
    found = cloudflare.invoke("getAccountApiTokenPermissionGroupsList", accountId=ACCOUNT, name=name)
    assert found["results"][0]["id"] == "g" and stub.requests[0].query == {"name": [name]}
