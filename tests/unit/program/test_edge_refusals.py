"""What Cloudflare says before anything is declared, and what a preview then tells."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import plan, preflight
from components.permissions import RULES, needed
from components.settings import CloudflarePlan, Settings, load
from tests.unit.cloudflare_account import Account, record, ruleset, zone
from tests.unit.configurations import ACCOUNT, ALL_SECRETS, ZONE, configuration
from tests.unit.monitor import PROJECT_FOLDER, Recording, recorded, run_program

INVALID = 'GET "https://…/zones": 403 Forbidden {"errors":[{"code":9109,"message":"Invalid access token"}]}'
EDIT = "edit the token on Cloudflare's dashboard"


def settings(environment: str, release: Path, changes: dict[str, str] | None = None) -> Settings:
    return load(configuration(environment, release) | (changes or {}), environment)


def look(environment: str, release: Path, cloudflare: Account, changes: dict[str, str] | None = None) -> Recording:
    """The preflight alone."""
    chosen = settings(environment, release, changes)
    return recorded(lambda: preflight.run(chosen), stack=environment, cloudflare=cloudflare)


def refusal(environment: str, release: Path, cloudflare: Account, changes: dict[str, str] | None = None) -> str:
    """What the whole program says; that it declares nothing is a part of it."""
    recording = Recording()
    values = configuration(environment, release) | (changes or {})
    with pytest.raises(pulumi.RunError) as caught:
        run_program(values, secret_keys=ALL_SECRETS, stack=environment, into=recording, cloudflare=cloudflare)
    assert recording.resources == [], "half of a stack has to be cleaned up by hand"
    return str(caught.value)


def test_a_zone_that_is_not_there_is_never_made(release: Path) -> None:
    """A mistyped domain must not become a new zone; the one that is meant is named."""
    said = refusal("staging", release, Account(zones=(zone("optic.work"), zone("example.com", "b" * 32))))

    assert "domain = optic.works: is no zone that the token sees; it sees example.com, optic.work" in said
    assert "pulumi config set domain example.com --stack staging" in said


def test_a_host_taken_for_the_zone_names_the_zone(release: Path) -> None:
    changes = {"domain": "staging.optic.works", "storefrontHost": "staging.optic.works"}
    said = refusal("staging", release, Account(), changes | {"apiHost": "api.staging.optic.works"})

    assert "pulumi config set domain optic.works --stack staging" in said


def test_a_token_without_any_zone(release: Path) -> None:
    said = refusal("staging", release, Account(zones=()))

    assert "sees no zone at all; it needs the permission Zone → Zone → Read on optic.works" in said
    assert EDIT in said


@pytest.mark.parametrize(("id", "name"), [(ZONE, "optic.works"), ("b" * 32, "example.com")])
def test_an_account_id_that_is_a_zones(id: str, name: str, release: Path) -> None:
    """The dashboard shows both ids one below the other."""
    account = Account(zones=(zone(), zone("example.com", "b" * 32)))
    said = refusal("staging", release, account, {"cloudflareAccountId": id})

    assert f"cloudflareAccountId = {id}: is the id of zone {name}, not of an account" in said
    assert f"pulumi config set cloudflareAccountId {ACCOUNT} --stack staging" in said


def test_an_account_of_somebody_else(release: Path) -> None:
    said = refusal("staging", release, Account(), {"cloudflareAccountId": "c" * 32})

    assert f"is not the account of zone optic.works; that one is {ACCOUNT} (OpticWorks)" in said


def test_a_token_that_is_none(release: Path) -> None:
    said = refusal("staging", release, Account(failing={"getZones": INVALID}))

    assert "cloudflare:apiToken: is no valid token of Cloudflare" in said
    assert "pulumi config set --secret cloudflare:apiToken --stack staging" in said


def test_a_token_that_may_not_see_zones(release: Path) -> None:
    said = refusal("staging", release, Account(refused=frozenset({"getZones"})))

    assert "cloudflare:apiToken: lacks the permission Zone → Zone → Read on optic.works" in said


@pytest.mark.parametrize(
    ("function", "name"),
    [
        ("getDnsRecords", "Zone → DNS → Edit on optic.works"),
        ("getZoneSetting", "Zone → Zone Settings → Edit on optic.works"),
        ("getRulesets", f"{RULES} on optic.works"),
        ("getOriginCaCertificates", "Zone → SSL and Certificates → Edit on optic.works"),
        ("getHealthchecks", "Zone → Health Checks → Edit on optic.works"),
        ("getNotificationPolicies", "Account → Notifications → Edit on the account OpticWorks"),
        ("getWorkers", "Account → Workers Scripts → Edit on the account OpticWorks"),
        ("getWorkersKvNamespaces", "Account → Workers KV Storage → Edit on the account OpticWorks"),
        ("getR2Bucket", "Account → Workers R2 Storage → Edit on the account OpticWorks"),
        ("getAccountTokens", "Account → Account API Tokens → Edit on the account OpticWorks"),
        ("getZeroTrustAccessApplications", "Account → Access: Apps and Policies → Edit on the account OpticWorks"),
        ("getImages", "Account → Cloudflare Images → Edit on the account OpticWorks"),
    ],
)
def test_a_missing_permission_is_named(function: str, name: str, release: Path) -> None:
    """Cloudflare itself says "Authentication error", in the middle of an update."""
    said = refusal("production", release, Account(refused=frozenset({function})))

    assert f"cloudflare:apiToken: lacks the permission {name}" in said
    assert said.count("lacks the permission") == 1
    assert EDIT in said


def test_the_runbook_lists_every_permission(release: Path) -> None:
    """Whoever makes a token reads the list there; what it lacks is found out permission by permission."""
    runbook = (PROJECT_FOLDER / "docs" / "operations.md").read_text()

    for permission in needed(settings("production", release), ZONE):
        assert f"| {permission.name} |" in runbook


def test_all_missing_permissions_are_named_at_once(release: Path) -> None:
    """One a run would take as many runs as there are permissions."""
    said = refusal("production", release, Account(refused=frozenset({"getDnsRecords", "getImages", "getWorkers"})))

    assert said.count("lacks the permission") == 3
    assert said.count(EDIT) == 1


@pytest.mark.parametrize(
    ("changes", "unneeded"),
    [
        ({}, {"getZoneSetting", "getRulesets", "getImages"}),
        ({"cloudflarePlan": "free"}, {"getHealthchecks", "getNotificationPolicies"}),
        ({"alertEmails": "[]"}, {"getNotificationPolicies"}),
    ],
)
def test_what_is_not_declared_needs_no_permission(changes: dict[str, str], unneeded: set[str], release: Path) -> None:
    """Staging's token should not be able to change production's rules."""
    found = look("staging", release, Account(refused=frozenset(unneeded)), changes)

    assert "getZones" in {name for name, _ in found.calls}


def test_a_product_that_is_switched_off_is_not_a_permission(release: Path) -> None:
    off = 'GET "https://…/r2/buckets/x": 403 Forbidden {"errors":[{"code":10042,"message":"Please enable R2"}]}'
    said = refusal("production", release, Account(failing={"getR2Bucket": off}))

    assert "in which R2 is not enabled" in said
    assert "lacks" not in said


def test_no_answer_is_said_in_one_line(release: Path) -> None:
    """An outage of Cloudflare's API is no missing permission."""
    said = refusal("production", release, Account(failing={"getWorkers": "500 Internal Server Error"}))

    assert said.startswith(
        "Cloudflare was asked for what Account → Workers Scripts → Edit opens and gave no answer: 500"
    )
    assert "\n" not in said


def test_a_bucket_that_is_there_and_one_that_is_not(release: Path) -> None:
    for there in (True, False):
        look("production", release, Account(bucket=there))


def test_a_plan_that_the_zone_does_not_have(release: Path) -> None:
    """Its rules would be refused after the servers were made."""
    account = Account(zones=(zone(plan={"legacyId": "free"}),))
    said = refusal("production", release, account)

    assert "cloudflarePlan = pro: is more than zone optic.works has: it is on plan free" in said
    assert "pulumi config set cloudflarePlan free --stack production" in said
    look("production", release, Account(zones=(zone(plan={"legacyId": "enterprise"}),)))
    look("production", release, Account(zones=(zone(plan=None),)))


def test_a_zone_whose_rules_another_environment_has(release: Path) -> None:
    """Two owners replace each other's rules: the API is closed, then the store, then the API again."""
    own = {"domain": "opticworks.dev", "storefrontHost": "opticworks.dev", "apiHost": "api.opticworks.dev"}
    theirs = Account(zones=(zone("opticworks.dev"),), rulesets=(ruleset("production-origin"),))
    said = refusal("staging", release, theirs, own)

    assert "domain = opticworks.dev: is a zone that a stack of production owns already" in said
    assert "production-origin in http_request_late_transform" in said
    assert "pulumi config set productionDomain opticworks.dev --stack staging" in said

    said = refusal("production", release, Account(rulesets=(ruleset("staging-limits", "http_ratelimit"),)))
    assert "a stack of staging owns already" in said
    assert "pulumi config set productionDomain optic.works --stack staging" in said


@pytest.mark.parametrize(("key", "host"), [("storefrontHost", "optic.works"), ("statusHost", "status.optic.works")])
def test_a_workers_name_that_leads_elsewhere(key: str, host: str, release: Path) -> None:
    """Cloudflare refuses it (100117) after three minutes of trying, with the servers made and the store half up."""
    said = refusal("production", release, Account(records=(record(host, "CNAME", "shop.example.com"),)))

    assert f"{key} = {host}: has a DNS record already (CNAME shop.example.com)" in said


def test_own_records_and_those_beside_are_in_nobodys_way(release: Path) -> None:
    """The second `pulumi up` sees what the first has made."""
    records = (
        record("optic.works", "AAAA", "100::"),
        record("optic.works", "MX", "mail.example.com"),
        record("api.optic.works", comment="OpticWorks Store production: API, to the load balancer"),
    )
    found = look("production", release, Account(records=records))

    assert not [message for message in found.messages if "DNS record" in message]


def test_a_record_beside_the_apis_is_told(release: Path) -> None:
    """Cloudflare takes both, and every second request goes to the server of last year."""
    found = look("production", release, Account(records=(record("api.optic.works"),)))

    assert any(
        "api.optic.works has a DNS record that this stack did not make (A 192.0.2.7)" in m for m in found.messages
    )


def test_own_rulesets_and_cloudflares_are_no_other_owner(release: Path) -> None:
    """Otherwise the second `pulumi up` would be refused for what the first has made."""
    rulesets = (ruleset("production-origin"), ruleset("Cloudflare Managed Ruleset", kind="managed"))
    found = look("production", release, Account(rulesets=rulesets))

    assert not [message for message in found.messages if "rules that no stack" in message]


def test_rules_from_the_dashboard_are_told(release: Path) -> None:
    found = look("production", release, Account(rulesets=(ruleset("default", "http_ratelimit"),)))

    assert any("default in http_ratelimit" in message for message in found.messages)


def test_a_preview_says_who_owns_the_zone(release: Path) -> None:
    def said(environment: str, **changes: str) -> str:
        return "\n".join(look(environment, release, Account(), changes).messages)

    assert "This stack owns zone optic.works" in said("production")
    assert "Zone optic.works belongs to production" in said("staging")
    assert "stagingApiHost" in said("staging")
    carried = {"stagingStorefrontHost": "staging.optic.works", "stagingApiHost": "api-staging.optic.works"}
    assert "for staging.optic.works and api-staging.optic.works too" in said(
        "production", **carried, stagingOriginSecret="s" * 43
    )


def test_a_zone_without_its_name_servers_is_told(release: Path) -> None:
    found = look("production", release, Account(zones=(zone(status="pending"),)))

    assert any("Zone optic.works is pending" in message for message in found.messages)


def test_what_a_plan_leaves_out_is_said(release: Path) -> None:
    """Somebody who relies on a rate limit that is not there finds out on the day of the attack."""
    free = settings(
        "production", release, {"cloudflarePlan": "free", "workersPaid": "false", "cloudflareImages": "false"}
    )
    business = settings("production", release, {"cloudflarePlan": "business"})
    quiet = settings("staging", release, {"alertEmails": "[]"})

    assert [line.split(" ")[0:2] for line in plan.left_out(free)] == [
        ["cloudflarePlan", "free"],
        ["cloudflarePlan", "free"],
        ["cloudflareImages", "is"],
        ["workersPaid", "is"],
    ]
    assert plan.left_out(business) == []
    assert plan.left_out(quiet) == ["alertEmails is empty: nobody is told when the health check fails."]
    found = look("production", release, Account(), {"alertEmails": "[]"})
    assert any(message.startswith("Left out: alertEmails is empty") for message in found.messages)


def test_limits_of_the_plans() -> None:
    """A rule with a period that the plan does not take is refused when it is made."""
    assert plan.limits("free").rate_limits.periods == (10,)
    assert plan.limits(CloudflarePlan.PRO).rate_limits.rules == 2
    assert plan.largest_bundle(False) < plan.largest_bundle(True)
    with pytest.raises(ValueError, match="enterprise"):
        plan.limits("enterprise")


def test_questions_are_asked_side_by_side(release: Path) -> None:
    """One after the other they took four seconds of every preview."""
    together = threading.Barrier(3, timeout=10)

    class Waiting(Account):
        """Answers three questions only once all three have been asked."""

        def answer(self, name: str, arguments: Mapping[str, Any]) -> Any:
            if name in ("getImages", "getWorkers", "getZoneSetting"):
                together.wait()
            return super().answer(name, arguments)

    found = look("production", release, Waiting())

    asked = [(name, repr(arguments)) for name, arguments in found.calls]
    assert len(asked) == len(set(asked)), "nothing is asked twice"
    assert len(list(needed(settings("production", release), ZONE))) == 14
