"""Rulesets: one a phase, rules that stay themselves by their ref."""

from __future__ import annotations

from typing import Any

import pytest
from cloudflare.types.rulesets import ruleset_create_response

from tests.contract.cloudflare.serving import Served


def rule(ref: str, expression: str = "true", **rest: Any) -> dict[str, Any]:
    headers = {"headers": {"x-origin": {"operation": "set", "value": "s"}}}
    return {"ref": ref, "action": "rewrite", "expression": expression, "action_parameters": headers, **rest}


def ruleset(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"name": "headers", "kind": "zone", "phase": "http_request_late_transform", "rules": list(rules)}


def test_rules_keep_their_id_by_ref_and_their_order_is_the_senders(api: Served) -> None:
    """The provider calls a rule whose id changes an inconsistent result, and fails the update."""
    made = api.result("POST", "Z/rulesets", ruleset(rule("a"), rule("b")))
    ids = {one["ref"]: one["id"] for one in made["rules"]}
    body = ruleset(rule("c"), rule("b", 'http.host eq "x"'), rule("a"))
    changed = api.result("PUT", f"Z/rulesets/{made['id']}", body)
    assert [one["ref"] for one in changed["rules"]] == ["c", "b", "a"]
    assert {one["ref"]: one["id"] for one in changed["rules"] if one["ref"] != "c"} == ids
    assert changed["version"] == "2" and changed["id"] == made["id"]
    assert [one["version"] for one in changed["rules"]] == ["1", "2", "1"]
    assert api.result("GET", f"Z/rulesets/{made['id']}") == changed


def test_a_phase_has_one_ruleset_of_the_zone(api: Served) -> None:
    """Two stacks in one zone: the second one must learn that the phase is taken, not take it over."""
    api.result("POST", "Z/rulesets", ruleset(rule("a")))
    response = api.ask("POST", "Z/rulesets", ruleset(rule("b")))
    assert response.status_code == 400
    assert response.json()["errors"][0] == {
        "code": 20217,
        "message": "'zone' is not a valid value for kind because exceeded maximum number of zone rulesets for phase "
        "http_request_late_transform",
        "source": {"pointer": "/kind"},
    }


def test_deleting_a_ruleset_answers_without_content(api: Served) -> None:
    made = api.result("POST", "Z/rulesets", ruleset(rule("a")))
    response = api.ask("DELETE", f"Z/rulesets/{made['id']}")
    assert response.status_code == 204 and response.content == b""
    assert api.ask("GET", f"Z/rulesets/{made['id']}").status_code == 404
    api.sdk.rulesets.create(zone_id=api.zone, **ruleset(rule("a")))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "phase"),
    [
        ({"action": "block", "expression": "true"}, "http_request_late_transform"),
        ({"action": "block", "expression": "true"}, "http_ratelimit"),
        ({"action": "rewrite", "expression": " "}, "http_request_late_transform"),
        ({"expression": "true"}, "http_request_firewall_custom"),
    ],
)
def test_a_rule_that_the_phase_does_not_know_is_refused(api: Served, one: dict[str, Any], phase: str) -> None:
    sent = {"name": "x", "kind": "zone", "phase": phase, "rules": [one]}
    status, _ = api.error("POST", "Z/rulesets", sent)
    assert status == 400


LIMIT: dict[str, Any] = {
    "characteristics": ["cf.colo.id", "ip.src"], "period": 60, "requests_per_period": 5, "mitigation_timeout": 600,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "action", "refused"),
    [
        ({}, "block", None),
        ({"mitigation_timeout": 0}, "managed_challenge", None),
        ({"characteristics": ["ip.src"]}, "block", "must contain cf.colo.id"),
        ({"characteristics": ["cf.colo.id"]}, "block", "must contain one of"),
        ({"characteristics": ["cf.colo.id", "ip.src", "cf.unique_visitor_id"]}, "block", "must contain one of"),
        ({"characteristics": ["cf.colo.id", "http.host"]}, "block", "not entitled"),
        ({"period": 50}, "block", "not a valid value for period"),
        ({"period": 3600}, "block", "not a valid value for period"),
        ({"mitigation_timeout": 0}, "block", "not a valid value for mitigation_timeout"),
        ({"mitigation_timeout": 700}, "block", "not a valid value for mitigation_timeout"),
        ({}, "managed_challenge", "must be 0"),
    ],
)
def test_a_limit_that_the_plan_does_not_hold_is_refused(
    api: Served, changes: dict[str, Any], action: str, refused: str | None
) -> None:
    """Taken here and refused by Cloudflare, in the middle of production's update."""
    one = {"action": action, "expression": "true", "ratelimit": {**LIMIT, **changes}}
    sent = {"name": "x", "kind": "zone", "phase": "http_ratelimit", "rules": [one]}
    if refused is None:
        assert api.result("POST", "Z/rulesets", sent)
        return
    answer = api.ask("POST", "Z/rulesets", sent)
    assert answer.status_code == 400 and refused in answer.text


def test_a_phase_has_so_many_limits(api: Served) -> None:
    one = {"action": "block", "expression": "true", "ratelimit": LIMIT}
    sent: dict[str, Any] = {"name": "x", "kind": "zone", "phase": "http_ratelimit"}
    answer = api.ask("POST", "Z/rulesets", {**sent, "rules": [one] * 6})
    assert answer.status_code == 400 and "6 out of 5" in answer.text
    assert api.result("POST", "Z/rulesets", {**sent, "rules": [one] * 5})


def test_the_sdk_reads_every_answer(api: Served) -> None:
    limit = {"characteristics": ["ip.src", "cf.colo.id"], "period": 60, "requests_per_period": 5,
             "mitigation_timeout": 60}  # fmt: skip
    one = {"ref": "login", "action": "block", "expression": "true", "ratelimit": limit, "description": "d"}
    sent: dict[str, Any] = {"name": "x", "kind": "zone", "phase": "http_ratelimit", "rules": [one]}
    made = api.result("POST", "Z/rulesets", sent)
    ruleset_create_response.Ruleset.model_validate(made)
    zone, number = api.zone, made["id"]
    # The SDK's own type of a single ruleset is "a ruleset, or anything": it is checked above.
    assert api.sdk.rulesets.get(number, zone_id=zone)
    assert [found.id for found in api.sdk.rulesets.list(zone_id=zone)] == [number]
    assert api.result("GET", "Z/rulesets/phases/http_ratelimit/entrypoint") == made
    phase = "http_request_cache_settings"
    cached = {"action": "set_cache_settings", "expression": "true", "action_parameters": {"cache": True}}
    put = api.result("PUT", f"Z/rulesets/phases/{phase}/entrypoint", {"rules": [cached]})
    ruleset_create_response.Ruleset.model_validate(put)
    added = api.result("POST", f"Z/rulesets/{number}/rules", {**one, "ref": "b", "position": {"index": 1}})
    assert [found["ref"] for found in added["rules"]] == ["b", "login"]
    api.sdk.rulesets.delete(number, zone_id=zone)
    snapshot = api.settled().traffic.snapshot
    assert snapshot is not None and [found.phase for found in snapshot.rulesets] == [phase]
