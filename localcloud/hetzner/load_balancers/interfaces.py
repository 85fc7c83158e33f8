"""How a load balancer is reached, and giving it its configuration."""

from __future__ import annotations

from ipaddress import IPv6Network
from typing import Any

from localcloud.hetzner import common, dns, specs
from localcloud.hetzner.errors import ApiError, invalid
from localcloud.hetzner.load_balancers import models
from localcloud.hetzner.networks import rules
from localcloud.hetzner.primary_ips import pool
from localcloud.hetzner.refresh import apply_load_balancer
from localcloud.hetzner.routing import Answer, Call
from localcloud.hetzner.store import Row

KIND = "load_balancer"


def apply(call: Call, command: str, number: int, *networks: int) -> Row:
    """The action that gives the balancer its configuration as it is stored by then."""
    cloud = call.cloud
    return cloud.act(
        call.tx,
        command,
        [(KIND, number), *(("network", one) for one in networks)],
        lambda: apply_load_balancer(cloud, number),
        alone=[(KIND, number)],
        beside=[("network", one) for one in networks],
    )


def editing(call: Call) -> Row:
    return call.tx.edit(KIND, call.find(KIND)["id"])


def public_net(call: Call, row: Row) -> dict[str, Any]:
    ips = specs.public_ips(call.tx, KIND, row["id"])
    shown: dict[str, Any] = {"enabled": row["public_interface"]}
    for kind in ("ipv4", "ipv6"):
        ip = ips.get(kind)
        if ip is None:
            shown[kind] = {"id": None, "ip": None, "dns_ptr": None}
            continue
        address = ip["ip"] if kind == "ipv4" else str(IPv6Network(ip["ip"])[1])
        pointers = {one["ip"]: one["dns_ptr"] for one in dns.pointers(ip)}
        shown[kind] = {"id": ip["id"], "ip": address, "dns_ptr": pointers.get(address, "")}
    return shown


def take_public_ips(call: Call, row: Row, wanted: models.PublicNet) -> None:
    families: tuple[tuple[pool.Kind, int | None], ...] = (("ipv4", wanted.ipv4), ("ipv6", wanted.ipv6))
    for kind, chosen in families:
        if chosen is None:
            pool.create(call.cloud, call.tx, kind, row["location"], auto_delete=True, assignee=(KIND, row["id"]))
        else:
            pool.claim(call, chosen, kind, row["location"], (KIND, row["id"]))


def attach(call: Call, row: Row, network_id: int, ip: str | None, ip_range: str | None) -> None:
    network = call.tx.get("network", network_id)
    if network is None:
        raise invalid("network", f"network with ID '{network_id}' not found")
    if row["private_net"]:
        raise ApiError("load_balancer_already_attached", "load balancer is already attached to a network")
    zone = call.cloud.catalogue.location(row["location"])["network_zone"]
    if network["subnets"]:
        common.same_zone(call, row["location"], network["subnets"][0]["network_zone"], "network")
    address = rules.choose_address(call.tx, network, zone, ip, ip_range)
    row["private_net"].append({"network": network_id, "ip": str(address)})


def attach_to_network(call: Call) -> Answer:
    row = editing(call)
    body = call.body(models.AttachToNetwork)
    attach(call, row, body.network, body.ip, body.ip_range)
    return Answer(201, {"action": apply(call, "attach_to_network", row["id"], body.network)})


def detach_from_network(call: Call) -> Answer:
    row = editing(call)
    body = call.body(models.DetachFromNetwork)
    if not any(one["network"] == body.network for one in row["private_net"]):
        raise ApiError("load_balancer_not_attached_to_network", "load balancer is not attached to the network")
    row["private_net"] = []
    return Answer(201, {"action": apply(call, "detach_from_network", row["id"], body.network)})


def enable_public_interface(call: Call) -> Answer:
    row = editing(call)
    row["public_interface"] = True
    return Answer(201, {"action": apply(call, "enable_public_interface", row["id"])})


def disable_public_interface(call: Call) -> Answer:
    row = editing(call)
    if not row["private_net"]:
        raise ApiError("load_balancer_not_attached_to_network", "load balancer is not attached to a network")
    if any(not one["use_private_ip"] for one in row["targets"]):
        raise ApiError("targets_without_use_private_ip", "load balancer has targets that use the public IP")
    row["public_interface"] = False
    return Answer(201, {"action": apply(call, "disable_public_interface", row["id"])})
