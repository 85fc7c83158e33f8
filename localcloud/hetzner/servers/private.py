"""Private networks of a server, and starting its machine."""

from __future__ import annotations

import secrets
from ipaddress import IPv4Address, IPv4Network

from localcloud.hetzner import common, specs
from localcloud.hetzner.errors import ApiError, invalid
from localcloud.hetzner.networks import rules
from localcloud.hetzner.refresh import refresh_server
from localcloud.hetzner.routing import Answer, Call
from localcloud.hetzner.servers import models
from localcloud.hetzner.servers.view import KIND
from localcloud.hetzner.store import Row, Transaction

MAX_NETWORKS = 3


def new_mac() -> str:
    """An address in the range that the real cloud's private interfaces have."""
    return "86:00:00:" + ":".join(f"{byte:02x}" for byte in secrets.token_bytes(3))


def start(call: Call, row: Row, command: str, after: Row | None = None) -> Row:
    """The action that boots the machine; the server runs when it ends."""
    cloud, number = call.cloud, row["id"]

    def running(tx: Transaction) -> None:
        server = tx.edit(KIND, number)
        server.update(status="running")
        server.pop("root_password", None)

    call.tx.edit(KIND, number)["wanted"] = "running"
    return cloud.act(
        call.tx,
        command,
        [(KIND, number)],
        lambda: cloud.machines.power_on(number),
        running,
        lambda tx: tx.edit(KIND, number).update(status="off", wanted="off"),
        locks=[(KIND, number)],
        after=after,
    )


def attach(
    call: Call,
    row: Row,
    network_id: int,
    ip: str | None = None,
    aliases: list[str] | None = None,
    ip_range: str | None = None,
) -> Row:
    """Give the server (being edited) an address on a network; returns the new entry of its ``private_net``."""
    network = call.tx.get("network", network_id)
    if network is None:
        raise invalid("network", f"network with ID '{network_id}' not found")
    if any(nic["network"] == network_id for nic in row["private_net"]):
        raise ApiError("server_already_attached", "server is already attached to the network")
    if len(row["private_net"]) >= MAX_NETWORKS:
        raise invalid("network", f"a server can be attached to at most {MAX_NETWORKS} networks")
    for nic in row["private_net"]:
        other = call.find("network", nic["network"])
        if IPv4Network(other["ip_range"]).overlaps(IPv4Network(network["ip_range"])):
            raise ApiError("networks_overlap", f"network overlaps with the server's network {other['name']}")
    zone = call.cloud.catalogue.location(row["location"])["network_zone"]
    if network["subnets"]:
        common.same_zone(call, row["location"], network["subnets"][0]["network_zone"], "network")
    address = rules.choose_address(call.tx, network, zone, ip, ip_range)
    entry = {
        "network": network_id,
        "ip": str(address),
        "alias_ips": rules.check_alias_ips(call.tx, network, [one for one in aliases or () if one != ip], {address}),
        "mac_address": new_mac(),
    }
    row["private_net"].append(entry)
    return entry


def attach_to_network(call: Call) -> Answer:
    row = call.find(KIND)
    number = row["id"]
    body = call.body(models.AttachToNetwork)
    call.cloud.check_unlocked((KIND, number))
    entry = attach(call, call.tx.edit(KIND, number), body.network, body.ip, body.alias_ips, body.ip_range)
    machines, nic = call.cloud.machines, specs.nic(call.tx, entry)

    def undo(tx: Transaction) -> None:
        server = tx.edit(KIND, number)
        server["private_net"] = [one for one in server["private_net"] if one["network"] != body.network]

    action = call.cloud.act(
        call.tx,
        "attach_to_network",
        [(KIND, number), ("network", body.network)],
        lambda: machines.attach_network(number, nic),
        failed=undo,
        locks=[(KIND, number)],
        beside=[("network", body.network)],
    )
    refresh_server(call.cloud, call.tx, number, row["labels"])
    return Answer(201, {"action": action})


def _entry(row: Row, network_id: int) -> Row:
    for nic in row["private_net"]:
        if nic["network"] == network_id:
            found: Row = nic
            return found
    raise ApiError("server_not_attached_to_network", f"server is not attached to network {network_id}")


def change_alias_ips(call: Call) -> Answer:
    row = call.find(KIND)
    number = row["id"]
    body = call.body(models.ChangeAliasIps)
    call.cloud.check_unlocked((KIND, number))
    network = call.find("network", body.network)
    entry = _entry(call.tx.edit(KIND, number), body.network)
    own = {IPv4Address(one) for one in entry["alias_ips"]}
    entry["alias_ips"] = rules.check_alias_ips(call.tx, network, body.alias_ips, own)
    nic = specs.nic(call.tx, entry)
    action = call.cloud.act(
        call.tx,
        "change_alias_ips",
        [(KIND, number), ("network", body.network)],
        lambda: call.cloud.machines.attach_network(number, nic),
        locks=[(KIND, number)],
        beside=[("network", body.network)],
    )
    return Answer(201, {"action": action})


def detach_from_network(call: Call) -> Answer:
    row = call.find(KIND)
    number = row["id"]
    body = call.body(models.DetachFromNetwork)
    call.cloud.check_unlocked((KIND, number))
    server = call.tx.edit(KIND, number)
    server["private_net"].remove(_entry(server, body.network))
    action = call.cloud.act(
        call.tx,
        "detach_from_network",
        [(KIND, number), ("network", body.network)],
        lambda: call.cloud.machines.detach_network(number, body.network),
        locks=[(KIND, number)],
        beside=[("network", body.network)],
    )
    refresh_server(call.cloud, call.tx, number, row["labels"])
    return Answer(201, {"action": action})
