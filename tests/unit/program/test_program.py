"""The whole program under a recording monitor: what the engine would be told, for each environment and size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.configurations import SECRETS, configuration
from tests.unit.monitor import Recording, Secret, run_program, unmarked

ENVIRONMENTS = ["local", "staging", "production"]
SHAPES = [(1, "lb11", 1), (3, "lb11", 1), (11, "lb11", 2), (26, "lb21", 3), (150, "lb31", 15)]
"""Instances, load balancer type, placement groups."""


def run(environment: str, release: Path, changes: dict[str, str] | None = None, **how: Any) -> Recording:
    values = configuration(environment, release) | (changes or {})
    return run_program(values, secret_keys=SECRETS, stack=environment, **how)


@pytest.fixture(scope="module")
def staging(release: Path) -> Recording:
    return run("staging", release, {"medusaInstances": "3"})


def instances(recording: Recording) -> dict[str, dict[str, Any]]:
    return {shown["name"]: shown for shown in recording.exports["instances"]}


@pytest.mark.parametrize(("count", "balancer", "groups"), SHAPES)
def test_shape_follows_the_number_of_instances(release: Path, count: int, balancer: str, groups: int) -> None:
    found = run("production", release, {"medusaInstances": str(count)})

    assert len([server for server in found.of("Server") if server.custom]) == count + 2
    assert len(found.exports["instances"]) == count
    assert found.named("load-balancer-balancer").inputs["loadBalancerType"] == balancer
    assert len(found.of("PlacementGroup")) == groups
    members: dict[int, int] = {}
    for number in range(1, count + 1):
        group = found.named(f"medusa-{number}-server").inputs["placementGroupId"]
        members[group] = members.get(group, 0) + 1
    assert max(members.values()) <= 10, "a spread group takes ten servers"


def test_nothing_moves_when_the_count_changes(release: Path) -> None:
    """An address, name or group that moved would replace or stop servers that nobody asked to touch."""

    def plan(count: int) -> dict[str, Any]:
        found = run("staging", release, {"medusaInstances": str(count)})
        urns = {group.urn: group.name for group in found.of("PlacementGroup")}
        return {
            server.name: (
                server.inputs["name"],
                server.inputs["userData"],
                [urns[urn] for urn in server.dependencies if urn in urns],
                found.named(server.name.replace("-server", "-network")).inputs["ip"],
            )
            for server in found.of("Server")
            if server.custom
        }

    three, twelve, one = plan(3), plan(12), plan(1)
    assert {name: twelve[name] for name in three} == three
    assert {name: twelve[name] for name in one} == one


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_what_holds_data_or_an_address_is_protected(environment: str, release: Path) -> None:
    """`pulumi destroy` in the wrong terminal, or a replacement nobody asked for, must end at a refusal."""
    found = run(environment, release)

    for name in ("network-range", "postgres-server", "postgres-address", "redis-server", "load-balancer-balancer"):
        resource = found.named(name)
        assert resource.protect is True, name
        assert resource.inputs["deleteProtection"] is True, name
    assert found.named("postgres-server").inputs["rebuildProtection"] is True


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_instances_can_always_go(environment: str, release: Path) -> None:
    """Protected instances would make `medusaInstances 1` fail half way."""
    found = run(environment, release, {"medusaInstances": "3"})

    for resource in found.resources:
        if resource.name.startswith("medusa-") or resource.kind in ("LoadBalancerTarget", "LoadBalancerService"):
            assert not resource.protect, resource.name
            assert not resource.inputs.get("deleteProtection"), resource.name


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_runs_again_is_never_protected(environment: str, release: Path) -> None:
    """A command whose trigger changes is replaced, and Pulumi replaces nothing that is protected."""
    for resource in run(environment, release).resources:
        if resource.type.startswith("command:"):
            assert not resource.protect, resource.name


def test_local_is_not_protected(release: Path) -> None:
    found = run("local", release)

    assert not [resource.name for resource in found.resources if resource.protect]
    assert not [resource.name for resource in found.resources if resource.inputs.get("deleteProtection")]


def test_protection_is_one_setting(release: Path) -> None:
    found = run("production", release, {"protect": "false"})

    assert not [resource.name for resource in found.resources if resource.protect]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_secret_reaches_the_engine_unmarked(environment: str, release: Path) -> None:
    """What is not marked is in the state, in diffs and in pull requests as plain text."""
    values = configuration(environment, release)
    secrets = [values[key] for key in SECRETS]
    found = run(environment, release, {"medusaInstances": "2"})

    for resource in found.resources:
        for path, text in unmarked(resource.inputs):
            assert not any(secret.strip() in text for secret in secrets), f"{resource.name}{path}"
            assert "PRIVATE KEY" not in text, f"{resource.name}{path}"
    for path, text in unmarked(found.exports):
        assert not any(secret.strip() in text for secret in secrets), path
        assert "PRIVATE KEY" not in text, path
    assert isinstance(found.named("postgres-server").inputs["userData"], Secret)


def test_secret_outputs_are_marked_and_few(staging: Recording) -> None:
    """`pulumi stack output` is for people and scripts; a secret there is shown only to who asks with --show-secrets."""

    def secret(value: Any) -> bool:
        if isinstance(value, dict):
            return any(secret(item) for item in value.values())
        if isinstance(value, list):
            return any(secret(item) for item in value)
        return isinstance(value, Secret)

    found = {name for name, value in staging.exports.items() if secret(value)}
    assert found == {"backupsCredentials", "accessServiceToken"}
    assert all(isinstance(staging.exports[name], Secret) for name in found), "the whole value, not a part of it"


def test_servers_are_replaced_only_when_asked(release: Path) -> None:
    """A corrected comment in a first-boot script once replaced a database."""
    for server in run("production", release).of("Server"):
        if server.custom:
            assert set(server.ignore_changes) >= {"userData", "image", "sshKeys"}, server.name
            assert server.inputs["keepDisk"] is True
            assert server.inputs["shutdownBeforeDeletion"] is True
            assert server.replacement_trigger == "first", "a value that comes from nothing replaces nothing"

    found = run("production", release, {"replaceDatabase": "2026-11-25"})
    assert found.named("postgres-server").replacement_trigger == "2026-11-25"
    assert found.named("redis-server").replacement_trigger == "first"
    assert found.named("medusa-1-server").replacement_trigger == "first"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_fixed_names_are_free_before_they_are_taken_again(environment: str, release: Path) -> None:
    """Names are unique in a project: made before the old one is gone, the new one is refused with 409."""
    for resource in run(environment, release).resources:
        if resource.type.startswith("hcloud:") and "name" in resource.inputs:
            assert resource.delete_before_replace, resource.name
            assert resource.inputs["name"].startswith(environment), resource.name


def test_private_network_is_given_in_full(staging: Recording) -> None:
    """By the network alone the last subnet made would win; inline networks are attached again on every run."""
    subnets = {subnet.urn for subnet in staging.of("NetworkSubnet")}
    for attachment in staging.of("ServerNetwork"):
        assert attachment.inputs["ip"].startswith("10.0."), attachment.name
        assert "networkId" not in attachment.inputs, attachment.name
        assert subnets & set(attachment.dependencies), attachment.name
    assert not [server.name for server in staging.of("Server") if "networks" in server.inputs]


def test_address_outlives_the_server(staging: Recording) -> None:
    for address in staging.of("PrimaryIp"):
        assert address.inputs["autoDelete"] is False, address.name


def test_targets_wait_for_both_attachments(staging: Recording) -> None:
    """A private target is refused until server and balancer are in the network; the provider's own wait never ends."""
    targets = staging.of("LoadBalancerTarget")
    balancer = staging.named("load-balancer-network").urn
    assert len(targets) == 3
    for target in targets:
        kinds = {staging.by_urn(urn).name for urn in target.dependencies if "ServerNetwork" in urn}
        assert target.inputs["usePrivateIp"] is True
        assert balancer in target.dependencies, target.name
        assert kinds, target.name


def test_only_ssh_and_ping_come_in(staging: Recording) -> None:
    for firewall in staging.of("Firewall"):
        rules = {(rule["protocol"], rule.get("port")): rule for rule in firewall.inputs["rules"]}
        assert set(rules) == {("tcp", "22"), ("icmp", None)}, firewall.name
        assert rules["tcp", "22"]["sourceIps"] == ["203.0.113.0/24"]
        assert "applyTos" not in firewall.inputs, "attached from both sides, the two fight"


def test_health_check_is_the_readiness_service(staging: Recording) -> None:
    service = staging.named("load-balancer-https").inputs

    assert (service["listenPort"], service["destinationPort"], service["protocol"]) == (443, 8000, "https")
    assert service["http"]["certificates"], "the edge asks for one that it knows"
    assert len(staging.of("LoadBalancerService")) == 1, "on port 80 anybody could come"
    assert isinstance(service["loadBalancerId"], str), "this one field takes the id as a string"
    check = service["healthCheck"]
    assert (check["port"], check["interval"], check["timeout"], check["retries"]) == (8000, 3, 2, 2)
    assert check["http"] == {"path": "/health", "statusCodes": ["200"]}


def test_children_lie_in_their_component(staging: Recording) -> None:
    """A child beside its component is not destroyed, protected or shown with it."""
    for resource in staging.resources:
        if resource.type.startswith(("hcloud:", "command:")):
            parent = staging.by_urn(resource.parent)
            assert parent.type.startswith("opticworks:index:"), resource.name
            assert resource.name.startswith(parent.name), resource.name


def test_every_connection_is_pinned(staging: Recording) -> None:
    """Without `hostKey` pulumi-command talks to whoever answers."""
    commands = [resource for resource in staging.resources if "connection" in resource.inputs]
    assert commands
    for command in commands:
        connection = command.inputs["connection"]
        connection = connection.value if isinstance(connection, Secret) else connection
        assert connection["hostKey"].startswith("ssh-ed25519 "), command.name
        assert connection["user"] == "deploy"
        assert connection["dialErrorLimit"] == -1
        assert command.timeouts["create"], f"{command.name} would dial for ever"


def test_exports_of_production(release: Path) -> None:
    found = run("production", release, {"medusaInstances": "2"}).exports

    assert found["storefrontUrl"] == "https://optic.works"
    assert found["apiUrl"] == "https://api.optic.works"
    assert found["adminUrl"] == "https://api.optic.works/app"
    assert found["metricsUrl"] == "https://metrics.optic.works"
    assert found["imagesUrl"].startswith("https://optic.works/cdn-cgi/imagedelivery/")
    assert found["storefrontStateNamespace"], "`store maintenance` writes there"
    assert found["backupsBucket"] == "opticworks-backups"
    assert found["databaseName"] == "medusa-production"
    assert set(found["sshHosts"]) == {"medusa-prod", "medusa-prod-2", "postgres-prod", "redis-prod"}
    assert found["sshHosts"]["postgres-prod"]["user"] == "deploy"
    assert found["databaseAddress"] == "10.0.2.10:5432"
    assert found["redisDurableAddress"] == "10.0.3.10:6379"
    assert found["redisCacheAddress"] == "10.0.3.10:6380"
    assert [shown["privateAddress"] for shown in found["instances"]] == ["10.0.1.11", "10.0.1.12"]


def test_local_is_reached_at_the_port_of_its_edge(release: Path) -> None:
    found = run("local", release).exports

    assert found["storefrontUrl"] == "https://store.localhost:8443"
    assert found["apiUrl"] == "https://api.store.localhost:8443"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_first_preview_knows_the_plan(environment: str, release: Path) -> None:
    """With ids unknown, what a person wants to see in a pull request is still there."""
    found = run(environment, release, {"medusaInstances": "2"}, preview=True)

    assert [shown["privateAddress"] for shown in found.exports["instances"]] == ["10.0.1.11", "10.0.1.12"]
    assert found.exports["loadBalancerType"] == "lb11"
