"""One case for each resource of the hcloud plugin: what it is made of, how it changes, what it says of itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcloud.plugins.base.values import Properties
from tests.contract.hetzner.pem import pair
from tests.contract.hetzner.serving import PUBLIC_KEY, Served
from tests.contract.plugins.driver import Made

Setup = Callable[[Served], dict[str, Any]]


STAY = {"FirewallAttachment", "Rdns"}
"""What only returns to a default on deletion: the provider still finds it afterwards, and so does the stand-in."""
DELETED_ONCE = {"FirewallAttachment", "LoadBalancerNetwork", "PlacementGroup", "Server", "ServerNetwork"}
"""What the provider cannot delete a second time; all else may be gone already."""


@dataclass
class Case:
    """A resource's inputs, a change of them in place, and what it says of itself."""

    kind: str
    inputs: Callable[[dict[str, Any]], Properties]
    changed: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    import_id: Callable[[Made], str] = lambda made: made.id
    not_imported: frozenset[str] = frozenset()
    """Inputs that the API does not tell."""


def surroundings(cloud: Served) -> dict[str, Any]:
    """A server and a load balancer in a network, for what needs one."""
    network = cloud.network()
    server = cloud.server(labels={"role": "web"})
    balancer = cloud.load_balancer()
    return {"network": network, "server": server, "balancer": balancer}


def attached(cloud: Served) -> dict[str, Any]:
    """The same, with both in the network."""
    found = surroundings(cloud)
    attach = {"network": found["network"]}
    cloud.done(cloud.post(f"/servers/{found['server']}/actions/attach_to_network", attach))
    cloud.done(cloud.post(f"/load_balancers/{found['balancer']}/actions/attach_to_network", attach))
    return found


CERTIFICATE, KEY = pair("example.com")
CHECK = {"path": "/health", "statusCodes": ["200"]}
USER_DATA = "#cloud-config\n"
USER_DATA_HASH = base64.b64encode(hashlib.sha1(USER_DATA.encode()).digest()).decode()
HEALTH = {"protocol": "http", "port": 8000, "interval": 3, "timeout": 2, "retries": 2, "http": CHECK}
RULE = {"direction": "in", "protocol": "tcp", "port": "22", "sourceIps": ["0.0.0.0/0", "2001:DB8::1"]}

CASES: dict[str, tuple[Setup, Case]] = {
    "ssh key": (
        surroundings,
        Case("SshKey", lambda _: {"publicKey": PUBLIC_KEY}, {"labels": {"a": "b"}}, {"labels": {}}),
    ),
    "network": (
        surroundings,
        Case(
            "Network",
            lambda _: {"ipRange": "10.9.0.0/16", "labels": {"a": "b"}},
            {"labels": {}, "exposeRoutesToVswitch": True},
            {"deleteProtection": False},
        ),
    ),
    "subnet": (
        surroundings,
        Case(
            "NetworkSubnet",
            lambda s: {
                "networkId": s["network"],
                "type": "cloud",
                "networkZone": "eu-central",
                "ipRange": "10.0.2.0/24",
            },
            outputs={"gateway": "10.0.0.1"},
        ),
    ),
    "route": (
        surroundings,
        Case(
            "NetworkRoute",
            lambda s: {"networkId": s["network"], "destination": "192.168.5.0/24", "gateway": "10.0.1.5"},
        ),
    ),
    "placement group": (
        surroundings,
        Case("PlacementGroup", lambda _: {"type": "spread"}, {"labels": {"a": "b"}}, {"servers": []}),
    ),
    "primary ip": (
        surroundings,
        Case(
            "PrimaryIp",
            lambda _: {"type": "ipv4", "location": "nbg1"},
            {"autoDelete": True, "labels": {"a": "b"}},
            {"assigneeId": 0, "autoDelete": False},
        ),
    ),
    "primary ip of a family of its own": (
        surroundings,
        Case("PrimaryIp", lambda _: {"type": "ipv6", "location": "nbg1"}, {"deleteProtection": False}),
    ),
    "firewall": (
        surroundings,
        Case(
            "Firewall",
            lambda _: {"rules": [RULE, {"direction": "in", "protocol": "icmp", "sourceIps": ["10.0.0.0/8"]}]},
            {"rules": [RULE | {"port": "2222", "description": "ssh"}]},
            {"labels": {}, "applyTos": []},
        ),
    ),
    "firewall attachment": (
        lambda cloud: surroundings(cloud) | {"firewall": cloud.post("/firewalls", {"name": "f"})["firewall"]["id"]},
        Case(
            "FirewallAttachment",
            lambda s: {"firewallId": s["firewall"], "serverIds": [s["server"]]},
            {"labelSelectors": ["role=web"], "serverIds": None},
        ),
    ),
    "server": (
        surroundings,
        Case(
            "Server",
            lambda s: {
                "serverType": "cx23",
                "image": "debian-13",
                "location": "nbg1",
                "userData": USER_DATA,
                "labels": {"a": "b"},
                "keepDisk": True,
            },
            {"serverType": "cx33", "labels": {"a": "c"}},
            {"status": "running", "primaryDiskSize": 40, "userData": USER_DATA_HASH, "firewallIds": []},
            not_imported=frozenset({"userData", "keepDisk"}),
        ),
    ),
    "server with a network inside": (
        surroundings,
        Case(
            "Server",
            lambda s: {
                "serverType": "cx23",
                "image": "debian-12",
                "location": "nbg1",
                "publicNets": [{"ipv4Enabled": False, "ipv6Enabled": False}],
                "networks": [{"networkId": s["network"], "ip": "10.0.1.77"}],
            },
            {"shutdownBeforeDeletion": False},
            {"ipv4Address": "", "ipv6Address": ""},
            not_imported=frozenset({"publicNets", "networks"}),
        ),
    ),
    "server network": (
        surroundings,
        Case(
            "ServerNetwork",
            lambda s: {"serverId": s["server"], "networkId": s["network"], "ip": "10.0.1.10"},
            {"aliasIps": ["10.0.1.20"]},
            {"aliasIps": []},
        ),
    ),
    "volume": (
        surroundings,
        Case(
            "Volume",
            lambda _: {"size": 10, "location": "nbg1", "format": "ext4"},
            {"size": 20, "deleteProtection": False},
            not_imported=frozenset({"format"}),
        ),
    ),
    "volume of a server": (
        surroundings,
        Case(
            "Volume",
            lambda s: {"size": 10, "serverId": s["server"], "format": "ext4", "automount": True},
            {"labels": {"a": "b"}},
            not_imported=frozenset({"format", "automount"}),
        ),
    ),
    "volume attachment": (
        lambda cloud: (
            surroundings(cloud)
            | {
                "volume": cloud.done(cloud.post("/volumes", {"name": "v", "size": 10, "location": "nbg1"}))["volume"][
                    "id"
                ]
            }
        ),
        Case("VolumeAttachment", lambda s: {"volumeId": s["volume"], "serverId": s["server"]}),
    ),
    "load balancer": (
        surroundings,
        Case(
            "LoadBalancer",
            lambda _: {"loadBalancerType": "lb11", "location": "nbg1", "algorithm": {"type": "least_connections"}},
            {"loadBalancerType": "lb21", "algorithm": {"type": "round_robin"}},
            {"networkZone": "eu-central", "targets": []},
        ),
    ),
    "load balancer network": (
        surroundings,
        Case(
            "LoadBalancerNetwork",
            lambda s: {"loadBalancerId": s["balancer"], "networkId": s["network"], "ip": "10.0.1.30"},
            {"enablePublicInterface": False},
            {"enablePublicInterface": True},
        ),
    ),
    "http service": (
        surroundings,
        Case(
            "LoadBalancerService",
            lambda s: {
                "loadBalancerId": str(s["balancer"]),
                "protocol": "http",
                "destinationPort": 8000,
                "healthCheck": HEALTH,
                "http": {"timeoutIdle": 60},
            },
            {"http": {"timeoutIdle": 70}, "healthCheck": HEALTH | {"interval": 5}},
            {"listenPort": 80, "proxyprotocol": False},
        ),
    ),
    "tcp service": (
        surroundings,
        Case(
            "LoadBalancerService",
            lambda s: {
                "loadBalancerId": str(s["balancer"]),
                "protocol": "tcp",
                "listenPort": 5000,
                "destinationPort": 5000,
            },
            {"destinationPort": 5001},
        ),
    ),
    "server as a target": (
        attached,
        Case(
            "LoadBalancerTarget",
            lambda s: {
                "type": "server",
                "loadBalancerId": s["balancer"],
                "serverId": s["server"],
                "usePrivateIp": True,
            },
            {"usePrivateIp": False},
            import_id=lambda made: f"{made.inputs['loadBalancerId']}__server__{made.inputs['serverId']}",
        ),
    ),
    "label selector as a target": (
        attached,
        Case(
            "LoadBalancerTarget",
            lambda s: {"type": "label_selector", "loadBalancerId": s["balancer"], "labelSelector": "role=none"},
            outputs={"usePrivateIp": False},
            import_id=lambda made: f"{made.inputs['loadBalancerId']}__label_selector__role=none",
        ),
    ),
    "uploaded certificate": (
        surroundings,
        Case(
            "UploadedCertificate",
            lambda _: {"certificate": CERTIFICATE, "privateKey": KEY},
            {"labels": {"a": "b"}},
            {"type": "uploaded", "domainNames": ["example.com"]},
            not_imported=frozenset({"privateKey"}),
        ),
    ),
    "reverse dns of a server": (
        lambda cloud: (
            (s := surroundings(cloud))
            | {"ip": cloud.get(f"/servers/{s['server']}")["server"]["public_net"]["ipv4"]["ip"]}
        ),
        Case(
            "Rdns",
            lambda s: {"serverId": s["server"], "ipAddress": s["ip"], "dnsPtr": "a.example.com"},
            {"dnsPtr": "b.example.com"},
        ),
    ),
    "snapshot": (
        surroundings,
        Case("Snapshot", lambda s: {"serverId": s["server"], "description": "first"}, {"description": "second"}),
    ),
}
