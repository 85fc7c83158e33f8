"""The declared rules, evaluated by the embedded edge: what they do to real requests, on every plan."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from components.edge_rules import ApiHost, EdgeRules, EdgeRulesArgs
from components.settings import CloudflarePlan
from localcloud.cloudflare.edge.freshness import eligible, seconds
from localcloud.cloudflare.edge.messages import Headers, Request
from localcloud.cloudflare.edge.routing import Table
from localcloud.cloudflare.edge.rules.limits import Limits
from localcloud.cloudflare.edge.rules.phases import Rules
from localcloud.cloudflare.edge.snapshot import Ruleset, Snapshot, Zone
from tests.unit.edge_components.declared import API, STAGING_API, ZONE
from tests.unit.monitor import Secret, recorded

STORE = "optic.works"


def rules(plan: str = "pro") -> Rules:
    """The rules as the edge has them."""

    def declare() -> None:
        apis = [ApiHost("production", API, "production's"), ApiHost("staging", STAGING_API, "staging's")]
        EdgeRules("edge", EdgeRulesArgs(ZONE, "production", plan, apis))

    zone = Zone(ZONE, STORE)
    rulesets = tuple(
        Ruleset(ZONE, one.inputs["phase"], tuple(api_form(rule) for rule in one.inputs["rules"]))
        for one in recorded(declare, stack="production").of("Ruleset")
    )
    return Rules(Table(Snapshot((zone,), rulesets=rulesets)), zone)


def api_form(value: Any, name: str = "") -> Any:
    """Pulumi's names as the API's; a map's keys are nobody's to rename."""
    if isinstance(value, Secret):
        return value.value
    if isinstance(value, list):
        return [api_form(item) for item in value]
    if isinstance(value, dict):
        rename: Callable[[str], str] = (lambda key: key) if name == "headers" else snake
        return {rename(key): api_form(item, key) for key, item in value.items()}
    return value


def snake(name: str) -> str:
    return re.sub("(?<=[a-z])([A-Z])", lambda match: f"_{match[1].lower()}", name)


def request(host: str, path: str, method: str = "GET", client: str = "203.0.113.9", **headers: str) -> Request:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request(method, "https", host, host, path, "", Headers(pairs), client, "2", None)


@pytest.mark.parametrize(("host", "sent"), [(API, "production's"), (STAGING_API, "staging's"), (STORE, None)])
def test_each_api_gets_its_secret_and_nobody_else_any(host: str, sent: str | None) -> None:
    """A secret in a request to another host name, a partner's say, is out in the world."""
    asked = request(host, "/store/products")
    rules().change_request_headers(asked)
    assert asked.headers.all("x-origin-secret") == ([sent] if sent else [])


def test_what_a_client_sends_as_the_secret_does_not_arrive() -> None:
    """Beside the edge's own it might be the one that is looked at."""
    asked = request(API, "/store/products", x_origin_secret="guessed")
    rules().change_request_headers(asked)
    assert asked.headers.all("x-origin-secret") == ["production's"]


def refused_after(limited: Rules, host: str, path: str, method: str = "POST", most: int = 100) -> int | None:
    """How many requests pass before one is refused."""
    limits = Limits(lambda: 0.0)
    for number in range(most):
        if limits.refusal(limited, request(host, path, method)):
            return number
    return None


@pytest.mark.parametrize("plan", CloudflarePlan)
@pytest.mark.parametrize(
    "path",
    [
        "/auth/customer/emailpass",
        "/auth/user/emailpass",
        "/AUTH/Customer/EmailPass",
        "/auth/customer/emailpass/reset-password",
        "/store/carts/cart_01/complete",
        "/store/payment-collections",
        "/store/payment-collections/pay_01/payment-sessions",
    ],
)
def test_guessing_is_slowed_down(plan: CloudflarePlan, path: str) -> None:
    """Passwords and stolen cards are tried by the thousand, in upper case too where that gets round a rule."""
    passed = refused_after(rules(plan), API, path)
    assert passed is not None and passed <= 40


@pytest.mark.parametrize("plan", CloudflarePlan)
@pytest.mark.parametrize("path", ["/store/carts/cart_01/line-items", "/store/products", "/admin/orders", "/health"])
def test_shopping_is_not_slowed_down(plan: CloudflarePlan, path: str) -> None:
    """A limit that is too broad turns customers away on the best day of the year."""
    assert refused_after(rules(plan), API, path) is None


def test_the_storefront_and_others_are_not_limited_where_the_plan_can_tell() -> None:
    assert refused_after(rules("pro"), STORE, "/auth/customer/emailpass") is None
    assert refused_after(rules("business"), API, "/auth/customer/emailpass", "OPTIONS") is None


@pytest.mark.parametrize("path", ["/store/products", "/store/report.csv", "/app", "/app/index.html", "/admin/file.js"])
def test_the_api_is_never_cached(path: str) -> None:
    """Cloudflare keeps .csv and .js of its own accord: one customer's export would be everybody's."""
    asked = request(API, path)
    assert not eligible(asked, rules().cache_settings(asked))


def test_the_admins_assets_are_cached_as_the_origin_says() -> None:
    asked = request(API, "/app/assets/index-1a2b3c.js")
    settings = rules().cache_settings(asked)
    assert eligible(asked, settings)
    year = Headers([(b"cache-control", b"public, max-age=31536000")])
    assert seconds(asked, 200, year, settings) == 31536000
    assert seconds(asked, 200, Headers(), settings) is None, "a page of an error would stay for hours"


def test_the_storefronts_own_caching_is_left_alone() -> None:
    assert rules().cache_settings(request(STORE, "/_next/static/chunk.js")) == {}
