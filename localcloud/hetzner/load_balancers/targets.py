"""Targets of a load balancer: who may be one, and how healthy each is."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from localcloud.hetzner import selectors, specs
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError, invalid, limit_exceeded
from localcloud.hetzner.load_balancers.models import Target
from localcloud.hetzner.routing import Call
from localcloud.hetzner.store import Row, Transaction
from localcloud.machines.interface import MachineError

Health = Mapping[tuple[str, int], str]
"""(address, listen port) → healthy, unhealthy or unknown."""


def read_health(cloud: Cloud, path: dict[str, int]) -> dict[int, Health]:
    """What the health checks say now, of the load balancer of the path or of all."""
    with cloud.store.transaction() as tx:
        numbers = [path["id"]] if "id" in path else [row["id"] for row in tx.all("load_balancer")]
    found: dict[int, Health] = {}
    for number in numbers:
        try:
            found[number] = dict(cloud.machines.health(number))
        except MachineError:
            found[number] = {}
    return found


def stored(call: Call, target: Target, path: str = "") -> Row:
    """A target as stored; raises 422 if its type and contents differ."""
    private = bool(target.use_private_ip)
    if target.type == "server":
        if target.server is None:
            raise invalid(f"{path}server", "Missing data for required field.")
        return {"type": "server", "server": {"id": target.server.id}, "use_private_ip": private}
    if target.type == "label_selector":
        if target.label_selector is None:
            raise invalid(f"{path}label_selector", "Missing data for required field.")
        selectors.parse(target.label_selector.selector, f"{path}label_selector.selector")
        selector = {"selector": target.label_selector.selector}
        return {"type": "label_selector", "label_selector": selector, "use_private_ip": private}
    if target.ip is None:
        raise invalid(f"{path}ip", "Missing data for required field.")
    # Only addresses of the owner's root servers are allowed, and this project's owner has none.
    raise ApiError("ip_not_owned", f"the IP {target.ip.ip} is not owned by the project owner")


def same(one: Row, other: Row) -> bool:
    """Whether two targets are the same one, whichever way they are reached."""
    return bool(one["type"] == other["type"] and one[one["type"]] == other[other["type"]])


def add(call: Call, balancer: Row, target: Target, path: str = "") -> None:
    """Add ``target`` to ``balancer``, which is being edited, or raise why it cannot be one."""
    entry = stored(call, target, path)
    private = entry["use_private_ip"]
    if any(same(entry, other) for other in balancer["targets"]):
        raise ApiError("target_already_defined", "target is already defined")
    if private and not balancer["private_net"]:
        raise ApiError("load_balancer_not_attached_to_network", "load balancer is not attached to a network")
    if not private and not balancer["public_interface"]:
        raise ApiError("load_balancer_public_interface_disabled", "load balancer's public interface is disabled")
    if entry["type"] == "server":
        server = call.tx.get("server", entry["server"]["id"])
        if server is None or server["status"] == "deleting":
            raise invalid(f"{path}server.id", f"server with ID '{entry['server']['id']}' not found")
        zones = [call.cloud.catalogue.location(one["location"])["network_zone"] for one in (balancer, server)]
        if zones[0] != zones[1]:
            raise invalid(f"{path}server.id", "server and load balancer must be in the same network zone")
        if private and specs.target_address(call.tx, balancer, entry, server) is None:
            text = "server is not attached to the same network as the load balancer"
            raise ApiError("resolve_cloud_private_targets_error", text)
        if not private and specs.target_address(call.tx, balancer, entry, server) is None:
            raise ApiError("resolve_cloud_public_targets_error", "server does not have a public IPv4 address")
        if target.server is not None and target.server.ip is not None:
            _check_ip(call, server, target.server.ip, private, path)
    balancer["targets"].append(entry)
    check_count(call, balancer)


def _check_ip(call: Call, server: Row, ip: str, private: bool, path: str) -> None:
    if private:
        raise invalid(f"{path}server.ip", "is only valid for public targets")
    ips = specs.public_ips(call.tx, "server", server["id"])
    if ip == ips["ipv4"]["ip"]:
        return
    try:
        inside = "ipv6" in ips and IPv6Address(ip) in IPv6Network(ips["ipv6"]["ip"])
    except ValueError:
        inside = False
    if inside:
        raise ApiError("unsupported_error", "this embedded cloud's load balancers reach targets over IPv4 only")
    raise ApiError("ip_not_assigned_to_server", f"IP {ip} is not assigned to the server")


def check_count(call: Call, balancer: Row) -> None:
    """Raise 403 if there are more targets than the balancer's type allows; a selector counts its servers."""
    kind = call.cloud.catalogue.load_balancer_type(balancer["load_balancer_type"])
    if count(call.tx, balancer) > kind["max_targets"]:
        text = f"load balancer type {kind['name']} can have at most {kind['max_targets']} targets"
        raise limit_exceeded("load_balancer_targets", text)


def count(tx: Transaction, balancer: Row) -> int:
    return sum(
        1 if one["type"] != "label_selector" else len(specs.target_servers(tx, one)) for one in balancer["targets"]
    )


def show(call: Call, balancer: Row, health: Health) -> list[dict[str, Any]]:
    """All targets as clients see them, each with a status for every service."""

    def statuses(address: str | None) -> list[dict[str, Any]]:
        return [
            {
                "listen_port": service["listen_port"],
                "status": health.get((address, service["listen_port"]), "unknown") if address else "unknown",
            }
            for service in balancer["services"]
        ]

    def server_entry(target: Row, server: Row, private: bool) -> dict[str, Any]:
        address = specs.target_address(call.tx, balancer, target, server)
        return {
            "type": "server",
            "server": {"id": server["id"], "ip": address or ""},
            "health_status": statuses(address),
            "use_private_ip": private,
        }

    shown = []
    for target in balancer["targets"]:
        servers = specs.target_servers(call.tx, target)
        private = bool(target["use_private_ip"])
        if target["type"] == "server":
            shown += [server_entry(target, server, private) for server in servers]
        else:
            entries = [server_entry(target, server, private) for server in servers]
            shown.append({**target, "targets": entries})
    return shown
