"""Previews of staging and production, and an update as far as servers, on an embedded cloud without machines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.program.project import Cloud, Project, cloud, project
from tests.unit.configurations import SECRETS, configuration, tiny_release

STACKS = ["staging", "production"]
STOREFRONTS = "a secret of the storefront itself"


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="module")
def release_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_release(tmp_path_factory.mktemp("release"))


def configured(folder: Path, embedded: Cloud, stack: str, release_archive: Path) -> Project:
    """The stack's own file with what its owner has to give: secrets, an archive, who may reach SSH."""
    made = project(folder, embedded, stack)
    values = configuration(stack, release_archive)
    for key in SECRETS:
        made.set(stack, key, values[key], secret=True)
    made.set(stack, "backendRelease", str(release_archive))
    made.set(stack, "storefrontBundle", values["storefrontBundle"])
    made.set(stack, "cloudflareAccountId", embedded.account)
    made.set(stack, "imagesAccountHash", embedded.images_hash)
    made.pulumi("config", "set", "--path", "sshAllowedCidrs[0]", "203.0.113.0/24", "--stack", stack)
    made.pulumi("config", "set", "--path", "accessAdmins[0]", "@optic.works", "--stack", stack)
    made.pulumi("config", "set", "--path", "storefrontVariables.PAGE_SIZE", "24", "--stack", stack)
    named = ("--path", "storefrontSecrets.SEARCH_KEY", "--secret")
    made.pulumi("config", "set", *named, "--stack", stack, stdin=STOREFRONTS)
    return made


@pytest.mark.parametrize("stack", STACKS)
def test_preview_shows_the_whole_stack_and_makes_nothing(
    stack: str, tmp_path: Path, embedded: Cloud, release_archive: Path
) -> None:
    """What a pull request shows must be what an update would do, and must not be half of it."""
    made = configured(tmp_path, embedded, stack, release_archive)

    found = made.preview(stack)

    kinds = [step["newState"]["type"] for step in found["steps"]]
    instances = {"staging": 1, "production": 2}[stack]
    assert kinds.count("hcloud:index/server:Server") == instances + 2
    assert kinds.count("hcloud:index/loadBalancerTarget:LoadBalancerTarget") == instances
    assert kinds.count("hcloud:index/volume:Volume") == 1
    assert kinds.count("cloudflare:index/workersDeployment:WorkersDeployment") == 1
    assert kinds.count("cloudflare:index/r2Bucket:R2Bucket") == 1
    # What a zone can have only once is production's, in whose zone both are.
    owned = [kind for kind in kinds if kind.rsplit(":", 1)[-1] in ("Ruleset", "ZoneSetting", "ImageVariant")]
    assert bool(owned) is (stack == "production")
    assert {step["op"] for step in found["steps"]} == {"create"}
    assert embedded.ask("/servers")["servers"] == []
    assert embedded.cloudflare_api("GET", f"/zones/{embedded.zone}/dns_records") == []
    text = made.pulumi("preview", "--diff", "--stack", stack).stdout
    values = configuration(stack, release_archive)
    assert not [key for key in SECRETS if values[key].strip() in text], "a preview is posted to pull requests"
    assert "PRIVATE KEY" not in text
    assert STOREFRONTS not in text
    said = "\n".join(each["message"] for each in found["diagnostics"])
    assert ("This stack owns zone optic.works" in said) is (stack == "production")
    assert ("Zone optic.works belongs to production" in said) is (stack == "staging")


def test_a_token_without_a_permission_is_told_which(tmp_path: Path, embedded: Cloud, release_archive: Path) -> None:
    """Cloudflare says "Authentication error", and would say it after the servers were made."""
    made = configured(tmp_path, embedded, "staging", release_archive)
    made.set("staging", "cloudflare:apiToken", embedded.token_without("DNS", "Workers KV Storage"), secret=True)

    said = made.pulumi("up", "--yes", "--stack", "staging", check=False)

    assert said.returncode != 0
    assert "cloudflare:apiToken: lacks the permission Zone → DNS → Edit on optic.works" in said.stdout
    assert "cloudflare:apiToken: lacks the permission Account → Workers KV Storage → Edit on the account" in said.stdout
    assert len(set(re.findall(r"lacks the permission (.+)", said.stdout))) == 2
    assert embedded.ask("/ssh_keys")["ssh_keys"] == []


def test_a_zone_for_an_account_and_a_zone_that_is_none(tmp_path: Path, embedded: Cloud, release_archive: Path) -> None:
    made = configured(tmp_path, embedded, "production", release_archive)
    made.set("production", "cloudflareAccountId", embedded.zone)

    said = made.pulumi("preview", "--stack", "production", check=False).stdout

    assert f"cloudflareAccountId = {embedded.zone}: is the id of zone optic.works, not of an account" in said
    assert f"pulumi config set cloudflareAccountId {embedded.account} --stack production" in said
    for key, value in {
        "domain": "optic.work",
        "productionDomain": "optic.work",
        "storefrontHost": "optic.work",
        "apiHost": "api.optic.work",
    }.items():
        made.set("production", key, value)
    said = made.pulumi("preview", "--stack", "production", check=False).stdout
    assert "domain = optic.work: is no zone that the token sees; it sees optic.works" in said
    assert "pulumi config set domain optic.works --stack production" in said


def test_all_that_is_missing_is_said_at_once(tmp_path: Path, embedded: Cloud) -> None:
    """Through the engine's own checks, which come first and know no command that helps."""
    made = project(tmp_path, embedded, "production")

    said = made.pulumi("preview", "--stack", "production", check=False)

    assert said.returncode != 0
    for key in (
        *SECRETS,
        "sshAllowedCidrs",
        "backendRelease",
        "storefrontBundle",
        "cloudflareAccountId",
        "accessAdmins",
    ):
        assert key in said.stdout, key
    assert "scripts/store secrets generate -s production" in said.stdout
    assert "Traceback" not in said.stdout + said.stderr
    assert embedded.ask("/servers")["servers"] == []


def test_an_update_with_a_live_key_in_staging_asks_nothing_of_the_cloud(
    tmp_path: Path, embedded: Cloud, release_archive: Path
) -> None:
    made = configured(tmp_path, embedded, "staging", release_archive)
    made.set("staging", "stripeApiKey", "sk_live_" + "a" * 24, secret=True)

    said = made.pulumi("up", "--yes", "--stack", "staging", check=False)

    assert said.returncode != 0
    assert "stripeApiKey: is a live key; staging uses Stripe in test mode" in said.stdout
    assert embedded.ask("/ssh_keys")["ssh_keys"] == []


def test_a_type_that_is_sold_out_for_a_moment_is_tried_again(
    tmp_path: Path, embedded: Cloud, release_archive: Path
) -> None:
    """Capacity comes and goes; an update that ends at the first refusal leaves half of a stack at night."""
    made = configured(tmp_path, embedded, "staging", release_archive)
    embedded.fail("POST", "/servers", status=412, code="resource_unavailable", message="error during placement")
    # Up to the servers and no further: behind machines in memory there is no SSH.
    parents = [f"**opticworks:index:{kind}::**" for kind in ("SshAccess", "Network", "Server", "Fleet")]
    kinds = ("sshKey", "network", "networkSubnet", "firewall", "placementGroup", "primaryIp", "server", "serverNetwork")
    urns = [*parents, *(f"**hcloud:index/{kind}:**" for kind in kinds)]
    targets = [word for urn in urns for word in ("--target", urn)]

    said = made.pulumi("up", "--yes", "--skip-preview", *targets, "--stack", "staging").stdout

    assert "(resource_unavailable" in said
    assert "trying again in 10 s" in said
    servers = {server["name"]: server for server in embedded.ask("/servers")["servers"]}
    assert set(servers) == {"staging-medusa-1", "staging-postgres", "staging-redis"}
    assert servers["staging-postgres"]["protection"] == {"delete": True, "rebuild": True}
    addresses = {ip["assignee_id"]: ip["ip"] for ip in embedded.ask("/primary_ips")["primary_ips"]}
    assert {server["id"]: server["public_net"]["ipv4"]["ip"] for server in servers.values()} == addresses
    assert "unchanged" in made.pulumi("preview", *targets, "--expect-no-changes", "--stack", "staging").stdout
    refused = made.pulumi("destroy", "--yes", "--stack", "staging", check=False)
    assert refused.returncode != 0
    assert "protected" in refused.stdout + refused.stderr
    assert len(embedded.ask("/servers")["servers"]) == 3, "a destroy in the wrong terminal ends here"
