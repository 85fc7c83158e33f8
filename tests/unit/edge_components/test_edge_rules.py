"""The rulesets: whose they are, what plans take, and that secrets and limits hold where they should."""

from __future__ import annotations

import re
from typing import Any

import pulumi
import pytest

from components import plan
from components.dns import Dns, DnsArgs
from components.edge_rules import ApiHost, EdgeRules, EdgeRulesArgs
from components.settings import CloudflarePlan
from tests.unit.edge_components.declared import API, STAGING_API, ZONE, assert_below, children
from tests.unit.monitor import Recording, Secret, recorded, unmarked

PRODUCTION = "production's-secret"
STAGING = "staging's-secret"


def rules(plan_name: str = "pro", owned: bool = True) -> Recording:
    def declare() -> None:
        apis = [
            ApiHost("production", API, pulumi.Output.secret(PRODUCTION)),
            ApiHost("staging", STAGING_API, STAGING),
        ]
        EdgeRules("edge", EdgeRulesArgs(ZONE, "production", plan_name, apis, owned))

    return recorded(declare, stack="production")


def of(there: Recording, part: str) -> list[Any]:
    return list(there.named(f"edge-{part}").inputs["rules"])


def test_staging_brings_no_ruleset_into_a_shared_zone() -> None:
    """A phase takes one ruleset in a zone: staging's would take the place of production's."""
    assert children(rules(owned=False)) == []


def test_each_phase_has_one_ruleset_whose_rules_are_told_apart() -> None:
    """Without a ref a rule gets a new id whenever another is put before it, and its history is gone."""
    there = rules()
    assert_below(there, "edge")
    rulesets = there.of("Ruleset")
    phases = [ruleset.inputs["phase"] for ruleset in rulesets]
    assert len(set(phases)) == len(phases)
    for ruleset in rulesets:
        assert ruleset.inputs["kind"] == "zone" and ruleset.inputs["name"].startswith("production-")
        refs = [rule["ref"] for rule in ruleset.inputs["rules"]]
        assert len(set(refs)) == len(refs) and all(refs)
        assert ruleset.delete_before_replace, "two at once are refused"


def test_each_host_gets_its_own_secret_and_no_other() -> None:
    """With one secret for both, whoever has staging's speaks to production's servers."""
    sent = {
        re.findall('"(.*?)"', rule["expression"])[0]: rule["actionParameters"]["headers"]["X-Origin-Secret"]["value"]
        for rule in of(rules(), "origin")
    }
    assert sent == {API: Secret(PRODUCTION), STAGING_API: Secret(STAGING)}


def test_no_secret_is_in_plain_sight() -> None:
    there = rules()
    for resource in there.resources:
        plain = [value for _, value in unmarked(resource.inputs)]
        assert PRODUCTION not in plain and STAGING not in plain
    assert there.named("edge-origin").secret_outputs == ("rules",), "the API tells them back with the rules"


def test_free_has_one_limit_of_ten_seconds_by_path() -> None:
    """More, or a host name in it, and Cloudflare refuses the ruleset: then there is no limit at all."""
    (limit,) = of(rules("free"), "limits")
    assert limit["ratelimit"]["period"] == limit["ratelimit"]["mitigationTimeout"] == 10
    assert fields(limit["expression"]) == {"http.request.uri.path"}


def test_pro_limits_login_and_checkout_by_host_and_path() -> None:
    """The method is not among what pro may ask for; a rule that names it is refused."""
    limits = {limit["ref"]: limit for limit in of(rules("pro"), "limits")}
    assert limits.keys() == {"login", "checkout"}
    for limit in limits.values():
        assert fields(limit["expression"]) == {"http.host", "http.request.uri.path"}
        assert limit["ratelimit"]["period"] == 60
        assert API in limit["expression"] and STAGING_API in limit["expression"]


@pytest.mark.parametrize("name", CloudflarePlan)
def test_no_limit_asks_for_more_than_the_plan_has(name: CloudflarePlan) -> None:
    """One rule too many, or a period that the plan does not know, and none of them is in force."""
    holds = plan.limits(name).rate_limits
    limits = [limit["ratelimit"] for limit in of(rules(name), "limits")]
    assert len(limits) <= holds.rules
    for limit in limits:
        assert limit["period"] in holds.periods and limit["mitigationTimeout"] in holds.timeouts


def test_business_does_not_count_preflights() -> None:
    for limit in of(rules("business"), "limits"):
        assert 'http.request.method eq "POST"' in limit["expression"]


def test_a_limit_counts_each_client_for_itself() -> None:
    """Counted together, one attacker locks every customer out."""
    for name in CloudflarePlan:
        for limit in of(rules(name), "limits"):
            assert set(limit["ratelimit"]["characteristics"]) == {"cf.colo.id", "ip.src"}


def test_nothing_of_the_api_is_cached_but_the_admins_assets() -> None:
    """A cart out of the cache is somebody else's cart."""
    api, assets = of(rules(), "cache")
    assert api["actionParameters"] == {"cache": False} and " and not starts_with" in api["expression"]
    assert assets["actionParameters"]["edgeTtl"] == {"mode": "bypass_by_default"}, "the origin says how long"


def test_a_new_secret_waits_for_the_servers_that_are_to_take_it() -> None:
    """Sent earlier, it is refused by every instance that still knows the old one alone."""

    def declare() -> None:
        server = Dns("server", DnsArgs(ZONE, "production", API, f"metrics.{API}", "192.0.2.1"))
        apis = [ApiHost("production", API, PRODUCTION)]
        EdgeRules("edge", EdgeRulesArgs(ZONE, "production", "pro", apis, after=[server]))

    there = recorded(declare, stack="production")
    assert there.named("server-api").urn in there.named("edge-origin").dependencies


def fields(expression: str) -> set[str]:
    """The fields that an expression names."""
    return set(re.findall(r"\b(?:http|ip|cf)\.[a-z_.]+", re.sub('".*?"', '""', expression)))
