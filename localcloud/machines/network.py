"""Private networks, and the interfaces of servers.

A private network is a namespace of its own that routes between its members and holds the gateway address, as at
Hetzner: no member ever sees another on a shared segment, and two networks with the same range never meet.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network

from localcloud.machines import host, netns
from localcloud.machines.commands import ip_batch, run, succeeds
from localcloud.machines.instance import Instance
from localcloud.machines.interface import MachineError, NetworkSpec, PrivateNic
from localcloud.machines.record import Record

PRIVATE_MTU = 1450
"""MTU of Hetzner's private interfaces."""


def interface_name(position: int) -> str:
    """Name of the private interface at a position: ``enp7s0`` first."""
    return f"enp{7 + position}s0"


@contextmanager
def _locked(instance: Instance, network_id: int) -> Iterator[None]:
    folder = instance.folder / "networks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{network_id}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def load(instance: Instance, network_id: int) -> NetworkSpec:
    """The network as it was last asked for."""
    try:
        raw = json.loads((instance.folder / "networks" / f"{network_id}.json").read_text())
    except OSError:
        raise MachineError(f"network {network_id} does not exist here") from None
    routes = tuple((IPv4Network(target), IPv4Address(via)) for target, via in raw["routes"])
    return NetworkSpec(network_id, IPv4Network(raw["ip_range"]), routes, raw["name"])


def network_ids(instance: Instance) -> list[int]:
    folder = instance.folder / "networks"
    return sorted(int(path.stem) for path in folder.glob("*.json")) if folder.is_dir() else []


def ensure(instance: Instance, spec: NetworkSpec) -> None:
    """Make the network, or take over its changed range and routes."""
    with _locked(instance, spec.id):
        path = instance.folder / "networks" / f"{spec.id}.json"
        routes = [[str(target), str(via)] for target, via in spec.routes]
        path.write_text(json.dumps({"ip_range": str(spec.ip_range), "routes": routes, "name": spec.name}))
        name = instance.network_namespace(spec.id)
        netns.ensure(name)
        netns.make_router(name)
        ip_batch(name, [f"addr replace {spec.ip_range[1]}/32 dev lo"])
        _sync_routes(instance, spec)


def delete(instance: Instance, network_id: int) -> None:
    netns.remove(instance.network_namespace(network_id))
    for ending in ("json", "lock"):
        (instance.folder / "networks" / f"{network_id}.{ending}").unlink(missing_ok=True)


def _sync_routes(instance: Instance, spec: NetworkSpec) -> None:
    """Make the network's own routes those of ``spec``; one whose gateway is not there now waits until it is."""
    name = instance.network_namespace(spec.id)
    present = json.loads(run(["ip", "-n", name, "-j", "-4", "route", "show"]) or "[]")
    wanted = {str(target): str(via) for target, via in spec.routes}
    for route in present:
        target = "0.0.0.0/0" if route["dst"] == "default" else route["dst"]
        if "gateway" in route and wanted.get(target) != route["gateway"]:
            succeeds(["ip", "-n", name, "route", "del", target, "via", route["gateway"]])
    for target, via in wanted.items():
        succeeds(["ip", "-n", name, "route", "replace", target, "via", via])


def plug_private(instance: Instance, namespace: str, port: str, inner: str, nic: PrivateNic) -> None:
    """Plug a private interface named ``inner`` into ``namespace`` and configure it as DHCP does on Hetzner's images.

    ``port`` names the network's end of it. Plugging again replaces it.
    """
    with _locked(instance, nic.network_id):
        spec = load(instance, nic.network_id)
        network, gateway = instance.network_namespace(nic.network_id), spec.ip_range[1]
        host.unplug(network, port)
        run(
            ["ip", "link", "add", port, "netns", network, "mtu", str(PRIVATE_MTU), "type", "veth",
             "peer", "name", inner, "address", nic.mac, "mtu", str(PRIVATE_MTU), "netns", namespace]
        )  # fmt: skip
        ip_batch(
            network,
            [
                f"addr add {gateway}/32 dev {port}",
                netns.quick_arp(port),
                f"link set {port} up",
                f"route replace {nic.ip}/32 dev {port}",
                *(f"route replace {alias}/32 dev {port}" for alias in nic.alias_ips),
            ],
        )
        ip_batch(
            namespace,
            [
                netns.quick_arp(inner),
                f"link set {inner} up",
                f"addr add {nic.ip}/32 dev {inner}",
                f"route replace {gateway} dev {inner} scope link",
                f"route replace {spec.ip_range} via {gateway} dev {inner}",
            ],
        )
        _sync_routes(instance, spec)


def set_aliases(instance: Instance, port: str, nic: PrivateNic) -> None:
    """Route the alias addresses of ``nic`` (and no earlier ones) to ``port``; the server configures them itself."""
    network = instance.network_namespace(nic.network_id)
    keep = {str(nic.ip), *map(str, nic.alias_ips)}
    for route in json.loads(run(["ip", "-n", network, "-j", "-4", "route", "show", "dev", port]) or "[]"):
        if route["dst"] not in keep and "gateway" not in route:
            succeeds(["ip", "-n", network, "route", "del", route["dst"], "dev", port])
    ip_batch(network, [f"route replace {alias}/32 dev {port}" for alias in nic.alias_ips])


def is_plugged(instance: Instance, network_id: int, port: str) -> bool:
    return succeeds(["ip", "-n", instance.network_namespace(network_id), "link", "show", port])


def unplug_private(instance: Instance, network_id: int, port: str) -> None:
    with _locked(instance, network_id):
        host.unplug(instance.network_namespace(network_id), port)


def port_name(server_id: int) -> str:
    """Name of a server's port, in the hub and in each private network."""
    return f"s{server_id}"


def public_mac(number: int) -> str:
    """MAC address of a public interface, in the form that Hetzner's have."""
    return "96:00:" + ":".join(f"{number >> shift & 255:02x}" for shift in (24, 16, 8, 0))


def plug_server(instance: Instance, record: Record) -> None:
    """Give a server that is about to boot a fresh namespace with all its interfaces.

    Fresh, since rules, addresses and settings that it made in the one before must not outlive its reboot.
    """
    spec, port = record.spec, port_name(record.spec.id)
    name = instance.server_namespace(spec.id)
    # Ports first: a namespace is torn down in the background, and its ports would block the new ones' names meanwhile.
    host.unplug(instance.hub, port)
    for nic in record.nics.values():
        host.unplug(instance.network_namespace(nic.network_id), port)
    netns.remove(name)
    netns.ensure(name)
    run(["ip", "-n", name, "link", "set", "lo", "up"])
    if spec.public_ipv4 or spec.public_ipv6:
        host.plug_public(
            instance,
            name,
            port,
            str(spec.public_ipv4 or ""),
            str(spec.public_ipv6) if spec.public_ipv6 else None,
            public_mac(spec.id),
        )
    for position, nic in sorted(record.nics.items()):
        plug_private(instance, name, port, interface_name(position), nic)
