"""What a preview tells of the public side, and what this machine alone can tell is wrong with it."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components import plan
from components.preflight.permissions import needed
from components.settings import CloudflarePlan
from tests.unit.cloudflare_account import Account, record, ruleset, zone
from tests.unit.configurations import ZONE
from tests.unit.program.edge import look, refusal, settings
from tests.unit.storefront import folders


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


def test_production_sees_a_staging_that_it_does_not_carry(release: Path) -> None:
    """Staging was made first: all was well in its preview, and its API answered 403 to everybody."""
    host = "api-staging.optic.works"
    there = Account(records=(record(host, comment="OpticWorks Store staging: API, to the load balancer"),))
    told = {"stagingApiHost": host, "stagingOriginSecret": "s" * 43}

    def said(environment: str, **changes: str) -> list[str]:
        return [each for each in look(environment, release, there, changes).messages if "answers 403" in each]

    (warned,) = said("production")
    assert host in warned and "stagingApiHost is not set" in warned
    assert f"pulumi config set stagingApiHost {host} --stack production" in warned
    assert "secrets set stagingOriginSecret -s production" in warned
    assert not said("production", **told)
    (other,) = said("production", **told | {"stagingApiHost": "api-staging2.optic.works"})
    assert "stagingApiHost is api-staging2.optic.works" in other
    assert not said("staging")


def test_a_zone_without_its_name_servers_is_told(release: Path) -> None:
    found = look("production", release, Account(zones=(zone(status="pending"),)))

    assert any("Zone optic.works is pending" in message for message in found.messages)


def test_a_zone_that_becomes_strict_says_so_first(release: Path) -> None:
    """The mode is the whole zone's: a mail host's pages, on an origin without a certificate, were gone with it."""
    flexible = look("production", release, Account(ssl="flexible"))
    assert any("TLS mode flexible and becomes strict" in message for message in flexible.messages)

    assert not any("TLS mode" in message for message in look("production", release, Account()).messages)
    assert not any("TLS mode" in message for message in look("staging", release, Account(ssl="flexible")).messages)


def test_rules_in_other_phases_are_nobodys_business(release: Path) -> None:
    """Told to delete redirects that nothing is wrong with, somebody does."""
    theirs = [ruleset("default"), ruleset("default", "http_request_dynamic_redirect")]
    found = look("production", release, Account(rulesets=tuple(theirs)))

    (warned,) = [message for message in found.messages if "no stack of this program made" in message]
    assert "http_request_dynamic_redirect" not in warned


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SEARCH_API_KEY", "0123456789"),
        ("MAIL_PASSWORD", "hunter2"),
        ("WEBHOOK", "whsec_" + "S3cr" * 8),
        ("DATABASE_URL", "postgres://medusa:S3crS3cr@db/medusa"),
    ],
)
def test_a_secret_in_a_plain_variable(name: str, value: str, release: Path) -> None:
    """A Worker's plain variables are on the dashboard, in the state and in every preview."""
    said = refusal("staging", release, Account(), {"storefrontVariables": json.dumps({name: value})})

    assert f"storefrontVariables.{name}: looks like a secret" in said
    assert f"pulumi config set --secret --path 'storefrontSecrets.{name}' --stack staging" in said
    assert value not in said


def test_a_bundle_that_is_too_large(release: Path, tmp_path: Path) -> None:
    """Its upload would be refused after everything else was made."""
    size = {"raw": 12 * plan.MIB, "gzip": 4 * plan.MIB}
    bundle = folders.composed(tmp_path / "bundle", size=size)
    changes = {"storefrontBundle": str(bundle), "workersPaid": "false"}

    said = refusal("staging", release, Account(), changes)

    assert "its modules are 4.00 MiB compressed, and Workers Free takes at most 3.00 MiB" in said
    assert "pulumi config set workersPaid true" in said


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
