"""The program's Cloudflare half as the engine would be told of it: who declares what, and in which order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.cloudflare_account import Account
from tests.unit.cloudflare_account import zone as account_zone
from tests.unit.configurations import SECRETS, configuration
from tests.unit.monitor import Recording, Secret, run_program

ONCE_IN_A_ZONE = ("ZoneSetting", "Ruleset")
ONCE_IN_AN_ACCOUNT = ("ImageVariant",)


def run(environment: str, release: Path, changes: dict[str, str] | None = None, **how: Any) -> Recording:
    values = configuration(environment, release) | (changes or {})
    return run_program(values, secret_keys=(*SECRETS, *how.pop("secrets", ())), stack=environment, **how)


def kinds(recording: Recording) -> set[str]:
    return {resource.kind for resource in recording.resources if resource.type.startswith("cloudflare:")}


def test_staging_touches_nothing_that_it_shares_with_production(release: Path) -> None:
    """`pulumi destroy -s staging` once took production's rate limits with it."""
    staging = run("staging", release)

    assert not kinds(staging) & {*ONCE_IN_A_ZONE, *ONCE_IN_AN_ACCOUNT}
    assert any("belongs to production" in message for message in staging.messages)
    hosts = {record.inputs["name"] for record in staging.of("DnsRecord")}
    hosts |= {domain.inputs["hostname"] for domain in staging.of("WorkersCustomDomain")}
    assert hosts == {"staging.optic.works", "api-staging.optic.works", "metrics-staging.optic.works",
                     "status-staging.optic.works"}  # fmt: skip


def test_production_names_no_resource_like_staging(release: Path) -> None:
    """Names are unique in a zone and in an account: two stacks with the same would fight over one thing."""

    def names(recording: Recording) -> set[tuple[str, str]]:
        return {
            (resource.kind, str(resource.inputs[key]))
            for resource in recording.resources
            for key in ("name", "title", "hostname")
            if resource.type.startswith("cloudflare:") and key in resource.inputs
        }

    assert not names(run("staging", release)) & names(run("production", release))


def test_staging_in_a_zone_of_its_own_owns_it(release: Path) -> None:
    zone = {
        "domain": "optic-staging.works",
        "storefrontHost": "staging.optic-staging.works",
        "apiHost": "api-staging.optic-staging.works",
    }
    there = Account(zones=(account_zone("optic-staging.works", "e" * 32),))
    staging = run("staging", release, zone, cloudflare=there)

    assert kinds(staging) >= {*ONCE_IN_A_ZONE}
    assert any("owns zone optic-staging.works" in message for message in staging.messages)


def test_production_sends_staging_the_secret_of_staging(release: Path) -> None:
    """With production's, who has staging's servers could speak to production's."""
    told = {"stagingStorefrontHost": "staging.optic.works", "stagingApiHost": "api-staging.optic.works",
            "stagingOriginSecret": "s" * 43}  # fmt: skip
    production = run("production", release, told, secrets=("stagingOriginSecret",))

    rules = production.named("edge-rules-origin").inputs["rules"]
    sent = {rule["ref"]: rule["actionParameters"]["headers"]["X-Origin-Secret"]["value"] for rule in rules}
    own = configuration("production", release)["originSecret"]
    assert sent == {"origin-secret-production": Secret(own), "origin-secret-staging": Secret("s" * 43)}


@pytest.mark.parametrize("name", ["edge-rules-origin", "storefront-version"])
def test_the_edge_waits_for_all_instances(release: Path, name: str) -> None:
    """A new origin secret that is sent before every proxy takes it is a 403 for a customer."""
    found = run("production", release, {"medusaInstances": "2"})
    waits = {found.by_urn(urn).name for urn in found.named(name).dependencies}

    assert waits >= {"backend-1-joined", "backend-2-joined"}


def test_an_earlier_version_keeps_the_share_that_is_set(release: Path) -> None:
    """A new storefront got every visit at once, and every visitor its fault."""
    old = "0f2ac74b-498b-4802-8cb6-8387c421e279"

    def shares(found: Recording) -> list[float]:
        return [share["percentage"] for share in found.named("storefront-deployment").inputs["versions"]]

    assert shares(run("production", release, {"storefrontVersions": f'{{"{old}": 90}}'})) == [10, 90]
    assert shares(run("production", release)) == [100]


def test_proxies_get_both_values_while_the_secret_changes(release: Path) -> None:
    before, after = run("local", release), run("local", release, {"originSecretPrevious": "z" * 43},
                                               secrets=("originSecretPrevious",))  # fmt: skip
    changed = {
        resource.name
        for resource in after.resources
        if resource.type.startswith("command:")
        and resource.inputs.get("stdin") != before.named(resource.name).inputs.get("stdin")
    }

    assert changed == {"backend-1-role-run"}, "neither migrations nor Medusa run again"


def test_two_zones_of_one_account_have_one_owner_of_its_variants(release: Path) -> None:
    """A staging in a zone of its own declared production's variants again: refused, with half of an update done."""
    own = {"domain": "staging.example", "storefrontHost": "staging.example", "apiHost": "api.staging.example"}
    there = Account(zones=(account_zone("staging.example", "e" * 32),))
    assert "ImageVariant" in kinds(run("staging", release, own, cloudflare=there))

    found = run("staging", release, {**own, "imageVariantsElsewhere": "true"}, cloudflare=there)

    assert "ImageVariant" not in kinds(found) and "Ruleset" in kinds(found)
    assert found.exports["imagesUrl"], "its pictures are delivered in the variants that are there"
    assert "imageVariantsElsewhere" in " ".join(found.messages)


def test_what_the_plan_lacks_is_said_and_not_declared(release: Path) -> None:
    """Declared all the same, `pulumi up` would fail half way, with a number for a reason."""
    plan = {"cloudflarePlan": "free", "workersPaid": "false", "cloudflareImages": "false"}
    found = run("production", release, plan)

    assert not kinds(found) & {"Healthcheck", "NotificationPolicy", "ImageVariant"}
    assert "imagesUrl" not in found.exports
    said = " ".join(found.messages)
    for word in ("cloudflarePlan", "cloudflareImages", "workersPaid"):
        assert word in said, word
