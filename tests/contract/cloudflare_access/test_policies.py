"""What policies say of a visitor."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.cloudflare.edge.access.policies import Visitor, after_login, before_login, matches, still_holds
from tests.contract.cloudflare_access.conftest import ADMIN, TEAM, Protected, application, policy

ADA = Visitor("10.1.2.3", "DE", "Ada@Example.com", "pin")
NOBODY = Visitor("10.1.2.3", "DE")
ROBOT = Visitor("10.1.2.3", "DE", token="robot")
GROUPS: dict[str, Any] = {
    "admins": {"include": [{"email": {"email": "ada@example.com"}}]},
    "staff": {"include": [{"group": {"id": "admins"}}, {"email_domain": {"domain": "optic.test"}}]},
    "loop": {"include": [{"group": {"id": "loop"}}]},
    "outside": {"include": [{"everyone": {}}], "exclude": [{"ip": {"ip": "10.0.0.0/8"}}]},
}


@pytest.mark.parametrize(
    ("rule", "who", "holds"),
    [
        ({"everyone": {}}, NOBODY, True),
        ({"email": {"email": "ada@EXAMPLE.com"}}, ADA, True),
        ({"email": {"email": "ada@example.com"}}, NOBODY, False),
        ({"email_domain": {"domain": "example.com"}}, ADA, True),
        ({"email_domain": {"domain": "ample.com"}}, ADA, False),
        ({"email_domain": {"domain": ""}}, NOBODY, False),
        ({"ip": {"ip": "10.1.0.0/16"}}, NOBODY, True),
        ({"ip": {"ip": "10.1.2.3"}}, NOBODY, True),
        ({"ip": {"ip": "2001:db8::/32"}}, NOBODY, False),
        ({"ip": {"ip": "nonsense"}}, NOBODY, False),
        ({"geo": {"country_code": "DE"}}, NOBODY, True),
        ({"geo": {"country_code": "FR"}}, NOBODY, False),
        ({"service_token": {"token_id": "robot"}}, ROBOT, True),
        ({"service_token": {"token_id": "robot"}}, ADA, False),
        ({"any_valid_service_token": {}}, ROBOT, True),
        ({"any_valid_service_token": {}}, ADA, False),
        ({"login_method": {"id": "pin"}}, ADA, True),
        ({"login_method": {"id": "okta"}}, ADA, False),
        ({"group": {"id": "staff"}}, ADA, True),
        ({"group": {"id": "staff"}}, NOBODY, False),
        ({"group": {"id": "gone"}}, ADA, False),
        ({"group": {"id": "loop"}}, ADA, False),
        ({"group": {"id": "outside"}}, ADA, False),
        ({"certificate": {}}, ADA, False),
        ({"email_list": {"id": "x"}}, ADA, False),
        ({"email": None, "everyone": {}}, ADA, True),
        ({}, ADA, False),
    ],
)
def test_a_selector_includes_whom_it_means(rule: dict[str, Any], who: Visitor, holds: bool) -> None:
    """One selector that is read too widely lets a stranger into the admin."""
    assert matches({"include": [rule]}, who, GROUPS) is holds


@pytest.mark.parametrize("unknown", [{"email_list": {"id": "x"}}, {"group": {"id": "gone"}}, {"group": {"id": "loop"}}])
def test_what_cannot_be_known_shuts_out(unknown: dict[str, Any]) -> None:
    """A rule that nobody here can judge must not be read as if it were not there."""
    known: dict[str, Any] = {"include": [{"everyone": {}}]}
    assert matches(known, ADA, GROUPS)
    assert not matches({**known, "require": [unknown]}, ADA, GROUPS)
    assert not matches({**known, "exclude": [unknown]}, ADA, GROUPS)


def test_include_require_and_exclude_belong_together() -> None:
    """Admins from the office alone would be admins from everywhere, or the whole office."""
    rules: dict[str, Any] = {"include": [{"group": {"id": "staff"}}], "require": [{"ip": {"ip": "10.0.0.0/8"}}]}
    assert matches(rules, ADA, GROUPS)
    assert not matches(rules, NOBODY, GROUPS)
    assert not matches({**rules, "exclude": [{"email": {"email": "ada@example.com"}}]}, ADA, GROUPS)
    assert not matches({"include": []}, ADA, GROUPS)


def test_bypass_and_service_auth_come_first_and_then_each_in_its_order() -> None:
    """A denial that stands first would shut the webhooks out, or one that stands last nobody."""
    ada = {"email": {"email": "ada@example.com"}}
    deny = policy("deny", "deny", include=[ada])
    allow = policy("allow", include=[{"everyone": {}}])
    robots = policy("robots", "non_identity", include=[{"any_valid_service_token": {}}])
    for_ada = policy("bypass", "bypass", include=[ada])
    first = before_login([deny, allow, for_ada, robots], ROBOT, {})
    assert first is not None and first["id"] == "robots"
    assert before_login([for_ada, robots], ADA, {}) is None  # who one is does not count before a login
    assert after_login([deny, allow], ADA, {}) is None
    found = after_login([allow, deny], ADA, {})
    assert found is not None and found["id"] == "allow"
    assert after_login([robots], ADA, {}) is None


def test_what_asks_for_more_than_a_login_lets_nobody_in() -> None:
    """A second person's approval that is not asked for is none."""
    assert after_login([policy(include=[{"everyone": {}}], approval_required=False)], ADA, {}) is not None
    assert after_login([policy(include=[{"everyone": {}}], approval_required=True)], ADA, {}) is None


def test_what_is_not_of_the_identity_counts_with_every_request() -> None:
    """A token that was issued in the office is used from the train."""
    office = policy(require=[{"ip": {"ip": "10.0.0.0/8"}}], exclude=[{"geo": {"country_code": "FR"}}])
    assert still_holds(office, ADA)
    assert not still_holds(office, Visitor("192.0.2.1", "DE"))
    assert not still_holds(office, Visitor("10.0.0.1", "FR"))
    mixed = policy(include=[{"ip": {"ip": "192.0.2.0/24"}}, {"email": {"email": ADMIN}}])
    assert still_holds(mixed, ADA)
    assert not still_holds(policy(include=[{"ip": {"ip": "192.0.2.0/24"}}]), ADA)


async def test_the_office_alone_gets_a_code(protected: Protected) -> None:
    """A code for whoever is elsewhere is a code for a login that then fails."""
    far = policy(require=[{"ip": {"ip": "192.0.2.0/24"}}])
    near = policy(require=[{"ip": {"ip": "127.0.0.0/8"}}])
    async with protected.browser() as browser:
        await protected.declare(application("store.localhost", far))
        page = await protected.sign_in(browser, protected.url("store.localhost"))
        assert page.status_code == 400 and protected.code() is None
        await protected.declare(application("store.localhost", near))
        page = await protected.sign_in(browser, protected.url("store.localhost"))
        assert page.status_code == 200
        await protected.declare(application("store.localhost", far))
        assert (await browser.get(protected.url("store.localhost"))).status_code == 302


async def test_a_token_holds_until_its_end_and_then_the_policy_counts(protected: Protected) -> None:
    """As on Cloudflare, who is taken off the list stays in until the token ends or the person is logged out."""
    await protected.declare(application("store.localhost"))
    other = application("store.localhost", policy(include=[{"email": {"email": "new@example.com"}}]))
    async with protected.browser() as browser:
        await protected.sign_in(browser, protected.url("store.localhost"))
        await protected.declare(other)
        assert (await browser.get(protected.url("store.localhost"))).status_code == 200
        browser.cookies.delete("CF_Authorization", domain="store.localhost")
        page = await browser.get(protected.url("store.localhost"), follow_redirects=True)
        assert page.status_code == 403 and page.url.host == TEAM
