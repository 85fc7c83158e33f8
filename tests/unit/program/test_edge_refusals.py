"""What Cloudflare says before anything is declared: nothing is, where the account is another than the settings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.preflight.permissions import RULES, needed
from tests.unit.cloudflare_account import Account, record, ruleset, zone
from tests.unit.configurations import ACCOUNT, ZONE
from tests.unit.monitor import PROJECT_FOLDER
from tests.unit.program.edge import look, refusal, settings

INVALID = 'GET "https://…/zones": 403 Forbidden {"errors":[{"code":9109,"message":"Invalid access token"}]}'
EDIT = "edit the token on Cloudflare's dashboard"


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
