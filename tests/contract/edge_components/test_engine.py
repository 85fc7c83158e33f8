"""The edge's components through the real engine and the stand-in plugins, against both embedded clouds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.cloudflare.serving import TOKEN
from tests.contract.edge_components.conftest import Served
from tests.contract.program.project import DESTROY, NOTHING, REFRESH, STACK, UP, Cloud, Project, cloud, program
from tests.unit.edge_components.declared import ec_key

SECRET = "the-origin-header's-value"


@pytest.fixture
def hetzner(tmp_path: Path) -> Iterator[Cloud]:
    with cloud(tmp_path / "hetzner") as started:
        yield started


@pytest.fixture
def project(tmp_path: Path, hetzner: Cloud, cloudflare: Served) -> Project:
    made = program(tmp_path / "project", Path(__file__).parent / "program", hetzner.token)
    made.set(STACK, "hcloud:endpoint", hetzner.endpoint)
    made.set(STACK, "cloudflare:baseUrl", cloudflare.url)
    made.set(STACK, "cloudflare:apiToken", TOKEN, secret=True)
    made.set(STACK, "account", cloudflare.account)
    made.set(STACK, "zone", cloudflare.zone)
    made.set(STACK, "originSecret", SECRET, secret=True)
    made.set(STACK, "certificateKey", ec_key(), secret=True)
    return made


def test_the_edge_lives_its_life(project: Project, cloudflare: Served, hetzner: Cloud) -> None:
    """Preview, up, again, refresh, drift, change, destroy: at each step nothing unasked for."""
    pulumi = project.pulumi
    shown = pulumi("preview", "--diff", "--stack", STACK)
    assert cloudflare.writes == [], "a preview makes nothing"
    assert SECRET not in shown.stdout + shown.stderr
    pulumi(*UP)
    pulumi(*NOTHING)
    pulumi(*REFRESH)
    pulumi(*NOTHING)

    exported = pulumi("stack", "export", "--stack", STACK).stdout
    secrets = (SECRET, project.output("secretAccessKey"), project.output("clientSecret"))
    assert all(secret and secret not in exported for secret in secrets)
    assert "PRIVATE KEY" not in exported

    account, zone = f"/accounts/{cloudflare.account}", f"/zones/{cloudflare.zone}"
    bucket = cloudflare.ask(f"{account}/r2/buckets/opticworks-backups/lifecycle")
    assert [rule["id"] for rule in bucket["rules"]] == ["expire-dumps", "abort-uploads"]
    assert len(project.output("secretAccessKey")) == len(hashlib.sha256().hexdigest())
    (certificate,) = hetzner.ask("/certificates")["certificates"]
    assert str(certificate["id"]) == project.output("certificateId")

    # Behind Pulumi's back.
    record = next(one for one in cloudflare.ask(f"{zone}/dns_records") if one["type"] == "A")
    cloudflare.ask(f"{zone}/dns_records/{record['id']}", "PATCH", {"content": "192.0.2.99"})
    bucket["rules"][0]["deleteObjectsTransition"]["condition"]["maxAge"] = 86400
    cloudflare.ask(f"{account}/r2/buckets/opticworks-backups/lifecycle", "PUT", bucket)
    cloudflare.ask(f"{zone}/settings/min_tls_version", "PATCH", {"value": "1.0"})
    hsts = cloudflare.ask(f"{zone}/settings/security_header")["value"]
    brief = {"strict_transport_security": {**hsts["strict_transport_security"], "max_age": 0}}
    cloudflare.ask(f"{zone}/settings/security_header", "PATCH", {"value": brief})
    drifted = {name.split("::")[1] for name in project.drifted()}
    assert drifted == {
        "dns-api",
        "backups-lifecycle",
        "zone-min-tls-version",
        "zone-security-header",
    }
    pulumi("up", "--refresh", "--yes", "--skip-preview", "--stack", STACK)
    assert cloudflare.ask(f"{zone}/dns_records/{record['id']}")["content"] == "198.18.0.1"
    assert cloudflare.ask(f"{zone}/settings/min_tls_version")["value"] == "1.2"
    assert cloudflare.ask(f"{zone}/settings/security_header")["value"] == hsts
    pulumi(*NOTHING)

    pulumi(*DESTROY)
    for path in ("/r2/buckets", "/access/apps", "/access/policies", "/access/groups", "/access/service_tokens",
                 "/alerting/v3/policies", "/tokens"):  # fmt: skip
        left = cloudflare.ask(account + path)
        assert left in ([], {"buckets": []}), path
    for path in ("/dns_records", "/rulesets", "/healthchecks"):
        assert cloudflare.ask(zone + path) == [], path
    assert hetzner.ask("/certificates")["certificates"] == []


def test_a_change_replaces_nothing_that_people_use(project: Project, cloudflare: Served) -> None:
    """A new secret, address, editor or time to keep dumps: each is a change in place, but for what it is about."""
    pulumi = project.pulumi
    pulumi(*UP)
    cloudflare.writes.clear()
    project.set(STACK, "originSecret", "another-value", secret=True)
    project.set(STACK, "balancer", "198.18.0.2")
    project.set(STACK, "retention", "40")
    project.set(STACK, "plan", "business")
    pulumi("config", "set", "--path", "editors[0]", "ed@optic.works", "--stack", STACK)
    pulumi(*UP)
    assert not [write for write in cloudflare.writes if write.startswith("DELETE")]
    pulumi(*NOTHING)
    pulumi(*REFRESH)

    # A hint that R2 did not follow, and the dumps would be in a bucket that is deleted.
    cloudflare.location = "EEUR"
    pulumi("refresh", "--yes", "--stack", STACK)
    pulumi(*NOTHING)

    pulumi("config", "rm", "--path", "editors", "--stack", STACK)
    cloudflare.writes.clear()
    pulumi(*UP)
    order = [write.split("/")[-2] for write in cloudflare.writes if write.startswith(("PUT", "DELETE"))]
    assert order == ["apps", "apps", "policies", "groups"], "an application lets go of a policy before that goes"
    pulumi(*NOTHING)
