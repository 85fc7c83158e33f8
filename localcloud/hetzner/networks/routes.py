"""Routes of networks."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from localcloud.hetzner import common, specs
from localcloud.hetzner.actionlog import now
from localcloud.hetzner.catalogue_routes import action_routes
from localcloud.hetzner.errors import ApiError, invalid
from localcloud.hetzner.networks import models, rules
from localcloud.hetzner.pages import sort_rows
from localcloud.hetzner.refresh import refresh_load_balancer
from localcloud.hetzner.routing import Answer, Call, Route
from localcloud.hetzner.store import Row

KIND = "network"


def show(call: Call, row: Row) -> dict[str, Any]:
    """The network as clients see it."""
    attached = list(rules.members(call.tx, row["id"]))
    return {
        **row,
        "subnets": [{**subnet, "gateway": str(rules.gateway(row))} for subnet in row["subnets"]],
        "servers": [member["id"] for kind, member, _ in attached if kind == "server"],
        "load_balancers": [member["id"] for kind, member, _ in attached if kind == "load_balancer"],
    }


def listing(call: Call) -> Answer:
    return call.listing("networks", call.tx.all(KIND), lambda row: show(call, row), ("id", "name", "created"))


def create(call: Call) -> Answer:
    body = call.body(models.CreateNetwork)
    common.check_name_free(call.tx, KIND, body.name)
    call.cloud.check_limit(call.tx, KIND)
    network: Row = {
        "name": body.name,
        "ip_range": str(rules.check_range(body.ip_range)),
        "subnets": [],
        "routes": [],
        "protection": {"delete": False},
        "labels": body.labels or {},
        "created": now(),
        "expose_routes_to_vswitch": bool(body.expose_routes_to_vswitch),
    }
    for index, subnet in enumerate(body.subnets or ()):
        stored = rules.new_subnet(call.cloud.catalogue, network, subnet.model_dump(), f"subnets[{index}]")
        network["subnets"].append(stored)
    for index, route in enumerate(body.routes or ()):
        network["routes"].append(rules.new_route(network, route.model_dump(), f"routes[{index}]"))
    row = call.tx.add(KIND, network)
    spec = specs.network(row)
    call.cloud.settle(call.tx, lambda: call.cloud.machines.create_network(spec), [(KIND, row["id"])])
    return Answer(201, {KIND: show(call, row)})


def get(call: Call) -> Answer:
    return Answer(200, {KIND: show(call, call.find(KIND))})


def update(call: Call) -> Answer:
    row = call.find(KIND)
    body = call.body(models.UpdateNetwork)
    call.cloud.check_no_change(row["id"])
    if body.expose_routes_to_vswitch is not None:
        call.tx.edit(KIND, row["id"])["expose_routes_to_vswitch"] = body.expose_routes_to_vswitch
    return common.update(call, KIND, show, models.UpdateNetwork)


def delete(call: Call) -> Answer:
    """Members are detached: they lose the interface, the others are told nothing."""
    row = call.find(KIND)
    common.check_deletable(row, KIND)
    call.cloud.check_no_change(row["id"])
    machines = call.cloud.machines
    number = row["id"]
    attached = list(rules.members(call.tx, number))
    call.cloud.check_unlocked(*((kind, member["id"]) for kind, member, _ in attached))
    for kind, member, _ in attached:
        changed = call.tx.edit(kind, member["id"])
        changed["private_net"] = [nic for nic in changed["private_net"] if nic["network"] != number]
        if kind == "server":
            server_id = member["id"]
            call.cloud.settle(
                call.tx,
                lambda server_id=server_id: machines.detach_network(server_id, number),  # type: ignore[misc]
                [("server", server_id), (KIND, number)],
            )
    balancers = [("load_balancer", member["id"]) for kind, member, _ in attached if kind == "load_balancer"]
    for _, balancer_id in balancers:
        refresh_load_balancer(call.cloud, call.tx, balancer_id)
    call.tx.remove(KIND, number)
    call.cloud.settle(call.tx, lambda: machines.delete_network(number), [(KIND, number), *balancers])
    return Answer(204)


def _change(call: Call, command: str, row: Row) -> Answer:
    """End a change of the network's ranges or routes: the machines take over what is stored now."""
    spec = specs.network(row)
    action = call.cloud.act(
        call.tx,
        command,
        [(KIND, row["id"])],
        lambda: call.cloud.machines.update_network(spec),
        locks=[(KIND, row["id"])],
    )
    return Answer(201, {"action": action})


def _changing(call: Call) -> Row:
    row = call.find(KIND)
    call.cloud.check_no_change(row["id"])
    return row


def add_subnet(call: Call) -> Answer:
    row = _changing(call)
    body = call.body(models.Subnet)
    subnet = rules.new_subnet(call.cloud.catalogue, row, body.model_dump())
    changed = call.tx.edit(KIND, row["id"])
    changed["subnets"].append(subnet)
    return _change(call, "add_subnet", changed)


def delete_subnet(call: Call) -> Answer:
    row = _changing(call)
    body = call.body(models.DeleteSubnet)
    if not any(subnet["ip_range"] == body.ip_range for subnet in row["subnets"]):
        raise invalid("ip_range", f"subnet {body.ip_range} not found in the network")
    gone = IPv4Network(body.ip_range)
    for kind, _, nic in rules.members(call.tx, row["id"]):
        addresses = (nic["ip"], *nic.get("alias_ips", ()))
        if any(IPv4Network(one).subnet_of(gone) for one in addresses):
            what = "servers are attached" if kind == "server" else "network has attached resources"
            raise ApiError("service_error", f"cannot remove subnet because {what}")
    changed = call.tx.edit(KIND, row["id"])
    changed["subnets"] = [subnet for subnet in changed["subnets"] if subnet["ip_range"] != body.ip_range]
    return _change(call, "delete_subnet", changed)


def add_route(call: Call) -> Answer:
    row = _changing(call)
    body = call.body(models.NetworkRoute)
    route = rules.new_route(row, body.model_dump())
    changed = call.tx.edit(KIND, row["id"])
    changed["routes"].append(route)
    return _change(call, "add_route", changed)


def delete_route(call: Call) -> Answer:
    row = _changing(call)
    route = call.body(models.NetworkRoute).model_dump()
    if route not in row["routes"]:
        raise invalid("destination", f"route to {route['destination']} by {route['gateway']} not found in the network")
    changed = call.tx.edit(KIND, row["id"])
    changed["routes"].remove(route)
    return _change(call, "delete_route", changed)


def change_ip_range(call: Call) -> Answer:
    row = _changing(call)
    wanted = rules.check_range(call.body(models.ChangeIpRange).ip_range)
    current = IPv4Network(row["ip_range"])
    if wanted.network_address != current.network_address or wanted.prefixlen > current.prefixlen:
        raise invalid("ip_range", f"can only be extended: it must begin with {current.network_address}")
    changed = call.tx.edit(KIND, row["id"])
    changed["ip_range"] = str(wanted)
    return _change(call, "change_ip_range", changed)


def change_protection(call: Call) -> Answer:
    call.cloud.check_no_change(call.find(KIND)["id"])
    return common.change_protection(call, KIND)


def list_members(call: Call) -> Answer:
    """Who is on the network, with the subnet of each."""
    row = call.find(KIND)
    rows: list[Row] = []
    for kind, member, nic in rules.members(call.tx, row["id"]):
        subnets = [
            one["ip_range"] for one in row["subnets"] if IPv4Network(nic["ip"]).subnet_of(IPv4Network(one["ip_range"]))
        ]
        rows.append(
            {
                "type": kind,
                "id": member["id"],
                "ip": nic["ip"],
                "alias_ips": nic.get("alias_ips", []),
                "subnet": subnets[0] if subnets else None,
                "status": "updating" if (kind, member["id"]) in call.cloud.locks else "ok",
            }
        )
    for parameter, field in (("type", "type"), ("status", "status"), ("subnet", "subnet")):
        wanted = call.values(parameter)
        rows = [one for one in rows if not wanted or one[field] in wanted]
    rows = sort_rows(rows, call.values("sort"), ("id", "type", "ip", "status"))
    plain = Call(call.cloud, call.tx, call.path, [one for one in call.query if one[0] in ("page", "per_page")])
    return plain.listing("members", rows, dict)


ROUTES = [
    Route("GET", "/networks", listing),
    Route("POST", "/networks", create),
    Route("GET", "/networks/{id}", get),
    Route("PUT", "/networks/{id}", update),
    Route("DELETE", "/networks/{id}", delete),
    Route("GET", "/networks/{id}/members", list_members),
    Route("POST", "/networks/{id}/actions/add_subnet", add_subnet),
    Route("POST", "/networks/{id}/actions/delete_subnet", delete_subnet),
    Route("POST", "/networks/{id}/actions/add_route", add_route),
    Route("POST", "/networks/{id}/actions/delete_route", delete_route),
    Route("POST", "/networks/{id}/actions/change_ip_range", change_ip_range),
    Route("POST", "/networks/{id}/actions/change_protection", change_protection),
    *action_routes("networks", KIND),
]
