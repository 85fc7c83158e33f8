"""Clients that were not written for this cloud drive it: if they are happy, so is what is built on them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hcloud import APIException, Client
from hcloud.firewalls import FirewallResource, FirewallRule
from hcloud.images import Image
from hcloud.load_balancer_types import LoadBalancerType
from hcloud.load_balancers import (
    LoadBalancerHealthCheck,
    LoadBalancerHealthCheckHttp,
    LoadBalancerService,
    LoadBalancerTarget,
    LoadBalancerTargetLabelSelector,
)
from hcloud.locations import Location
from hcloud.networks import NetworkRoute, NetworkSubnet
from hcloud.server_types import ServerType
from hcloud.servers import BoundServer, ServerCreatePublicNetwork
from hcloud.volumes import BoundVolume

from tests.contract.hetzner.serving import PUBLIC_KEY, TOKEN, Served

GO = Path(__file__).with_name("hcloudgo")


@pytest.fixture
def python(api: Served) -> Client:
    return Client(token=TOKEN, api_endpoint=f"{api.url}/v1", poll_interval=0.01)


def _server(client: Client, name: str = "web-1", **rest: object) -> BoundServer:
    made = client.servers.create(
        name=name,
        server_type=ServerType(name="cx23"),
        image=Image(name="debian-13"),
        location=Location(name="nbg1"),
        **rest,  # type: ignore[arg-type]
    )
    for action in (made.action, *made.next_actions):
        action.wait_until_finished()
    return made.server


def test_python_lives_with_servers_and_networks(python: Client) -> None:
    """The PyPI client reads every field it knows; one that is missing raises."""
    network = python.networks.create("net", "10.0.0.0/16")
    subnet = NetworkSubnet(type="cloud", ip_range="10.0.1.0/24", network_zone="eu-central")
    network.add_subnet(subnet).wait_until_finished()
    network.add_route(NetworkRoute("192.168.0.0/24", "10.0.1.5")).wait_until_finished()
    key = python.ssh_keys.create("me", PUBLIC_KEY)
    group = python.placement_groups.create("g", "spread").placement_group
    rule = FirewallRule(direction="in", protocol="tcp", port="22", source_ips=["0.0.0.0/0", "::/0"])
    firewall = python.firewalls.create("fw", rules=[rule]).firewall
    server = _server(
        python, ssh_keys=[key], networks=[network], firewalls=[firewall], placement_group=group,
        labels={"role": "web"}, user_data="#cloud-config\n", volumes=[],
    )  # fmt: skip
    server.reload()
    assert server.status == "running" and server.private_net and server.private_net[0].ip == "10.0.1.1"
    assert server.public_net and server.public_net.ipv6 and server.public_net.ipv6.ip.endswith("::/64")
    server.change_alias_ips(network, ["10.0.1.40"]).wait_until_finished()
    for press in (server.power_off, server.power_on, server.reboot, server.reset, server.shutdown):
        press().wait_until_finished()
    server.update(name="web-2", labels={})
    assert [one.id for one in python.servers.get_all(label_selector="!role")] == [server.id]
    assert [(one.type, one.ip) for one in python.networks.get_member_all(network)] == [("server", "10.0.1.1")]
    for action in firewall.remove_from_resources([FirewallResource(type="server", server=server)]):
        action.wait_until_finished()
    assert firewall.delete()
    server.detach_from_network(network).wait_until_finished()
    server.delete().wait_until_finished()
    assert python.servers.get_all() == [] and python.primary_ips.get_all() == []
    assert network.delete() and key.delete() and group.delete()


def test_python_lives_with_volumes_and_images(python: Client) -> None:
    """Volumes go from server to server; a snapshot outlives its server."""
    server = _server(python)
    made = python.volumes.create(size=10, name="data", server=server, format="ext4", automount=True)
    assert made.action
    for action in (made.action, *made.next_actions):
        action.wait_until_finished()
    volume: BoundVolume = made.volume
    volume.detach().wait_until_finished()
    volume.resize(20).wait_until_finished()
    other = _server(python, "other")
    volume.attach(other).wait_until_finished()
    volume.reload()
    assert volume.server and volume.server.id == other.id and volume.size == 20
    image = server.create_image(description="before", type="snapshot")
    assert image.action and image.image
    image.action.wait_until_finished()
    server.rebuild(Image(name="debian-12")).action.wait_until_finished()
    server.delete().wait_until_finished()
    image.image.reload()
    assert image.image.status == "available" and image.image.created_from
    assert image.image.delete()
    with pytest.raises(APIException, match="attached"):
        volume.delete()


def test_python_lives_with_load_balancers(python: Client) -> None:
    """Deletion answers with an action since 2026: the client fails without it."""
    _server(python, labels={"role": "web"})
    made = python.load_balancers.create("lb", LoadBalancerType(name="lb11"), location=Location(name="nbg1"))
    made.action.wait_until_finished()
    lb = made.load_balancer
    check = LoadBalancerHealthCheck(
        protocol="http", port=8000, interval=3, timeout=2, retries=2,
        http=LoadBalancerHealthCheckHttp(path="/health", status_codes=["200"]),
    )  # fmt: skip
    service = LoadBalancerService(protocol="http", listen_port=80, destination_port=8000, health_check=check)
    lb.add_service(service).wait_until_finished()
    selector = LoadBalancerTargetLabelSelector(selector="role=web")
    lb.add_target(LoadBalancerTarget(type="label_selector", label_selector=selector)).wait_until_finished()
    lb.reload()
    assert lb.targets and lb.targets[0].targets
    assert [one.status for one in lb.targets[0].targets[0].health_status or ()] == ["healthy"]
    assert lb.public_net and lb.public_net.ipv4 and lb.public_net.ipv4.ip
    lb.delete().action.wait_until_finished()
    assert python.load_balancers.get_all() == []


def test_python_moves_a_primary_ip(python: Client) -> None:
    """Blue and green behind one address."""
    made = python.primary_ips.create(type="ipv4", name="front", location=Location(name="nbg1"))
    ip = made.primary_ip
    net = ServerCreatePublicNetwork(ipv4=ip, enable_ipv6=False)
    blue = _server(python, "blue", public_net=net)
    green = _server(python, "green", public_net=ServerCreatePublicNetwork(enable_ipv4=False))
    for server in (blue, green):
        server.power_off().wait_until_finished()
    ip.unassign().wait_until_finished()
    assert green.id is not None
    ip.assign(assignee_id=green.id, assignee_type="server").wait_until_finished()
    green.reload()
    assert green.public_net and green.public_net.primary_ipv4 and green.public_net.primary_ipv4.id == ip.id


def test_debians_cli(api: Served) -> None:
    """What is typed in the documentation: list, describe, power off, delete, with an old client."""
    hcloud = shutil.which("hcloud")
    if hcloud is None:
        pytest.skip("hcloud-cli is not installed")
    api.server("web-1", networks=[api.network()], labels={"role": "web"})
    api.post("/volumes", {"name": "data", "size": 10, "location": "nbg1"})
    api.load_balancer(services=[{"protocol": "http"}], targets=[
        {"type": "label_selector", "label_selector": {"selector": "role=web"}}])  # fmt: skip

    def run(*words: str) -> str:
        variables = {"HCLOUD_ENDPOINT": f"{api.url}/v1", "HCLOUD_TOKEN": TOKEN, "PATH": os.environ["PATH"], "HOME": "/"}
        done = subprocess.run([hcloud, *words], env=variables, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "running" in run("server", "list") and "web-1" in run("server", "describe", "web-1")
    assert "data" in run("volume", "list") and "lb11" in run("load-balancer", "describe", "lb")
    assert "10.0.0.0/16" in run("network", "describe", "net")
    for what in ("server-type", "location", "image", "load-balancer-type", "primary-ip", "firewall", "certificate"):
        run(what, "list")
    run("server", "add-label", "web-1", "tier=front")
    assert "off" in (run("server", "poweroff", "web-1") and run("server", "list"))
    run("server", "poweron", "web-1")
    run("server", "create", "--name", "new", "--type", "cx23", "--image", "debian-13", "--location", "nbg1")
    run("server", "delete", "web-1")
    assert "web-1" not in run("server", "list")
    run("network", "delete", "net")


def _driver() -> Path:
    """The Go driver, built once for its sources and kept in the cache."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not installed")
    digest = hashlib.sha256(b"".join((GO / name).read_bytes() for name in ("main.go", "go.mod", "go.sum"))).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "localcloud" / "tests"
    binary = cache / f"hcloudgo-{digest[:16]}"
    if not binary.exists():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = binary.with_suffix(f".{os.getpid()}")
        done = subprocess.run(
            [go, "build", "-trimpath", "-o", str(fresh), "."], cwd=GO, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        fresh.replace(binary)
    return binary


def test_hcloud_go(api: Served) -> None:
    """The library that the real providers are made of: its strict types refuse what others let pass."""
    variables = {"HCLOUD_ENDPOINT": f"{api.url}/v1", "HCLOUD_TOKEN": TOKEN}
    done = subprocess.run([str(_driver())], env=variables, capture_output=True, text=True, timeout=90)
    assert (done.returncode, done.stdout.strip()) == (0, "ok"), done.stderr
