"""Routes of load balancers.

Their actions do not lock them: the real cloud takes several at once (services and targets are created side by side by
every client) and applies them one after the other, as the workers do here.
"""

from __future__ import annotations

from typing import Any

from localcloud.hetzner import common, dns, specs
from localcloud.hetzner.actionlog import now
from localcloud.hetzner.catalogue_routes import action_routes
from localcloud.hetzner.errors import ApiError, invalid, not_found
from localcloud.hetzner.fields import ChangeDnsPtr
from localcloud.hetzner.load_balancers import models, services, targets
from localcloud.hetzner.load_balancers.interfaces import (
    KIND,
    apply,
    attach,
    attach_to_network,
    detach_from_network,
    disable_public_interface,
    editing,
    enable_public_interface,
    public_net,
    take_public_ips,
)
from localcloud.hetzner.metrics import load_balancer_metrics, read_load_balancer
from localcloud.hetzner.primary_ips import pool
from localcloud.hetzner.routing import Answer, Call, Route
from localcloud.hetzner.store import Row


def show(call: Call, row: Row) -> dict[str, Any]:
    """The load balancer as clients see it, with the health that was read before the transaction."""
    catalogue = call.cloud.catalogue
    kind = catalogue.load_balancer_type(row["load_balancer_type"])
    place = next(one for one in kind["prices"] if one["location"] == row["location"])
    health = (call.known or {}).get(row["id"], {})
    return {
        **{key: value for key, value in row.items() if key != "public_interface"},
        "public_net": public_net(call, row),
        "location": catalogue.location(row["location"]),
        "load_balancer_type": kind,
        "targets": targets.show(call, row, health),
        "outgoing_traffic": 0,
        "ingoing_traffic": 0,
        "included_traffic": place["included_traffic"],
    }


def listing(call: Call) -> Answer:
    return call.listing("load_balancers", call.tx.all(KIND), lambda row: show(call, row), ("id", "name", "created"))


def get(call: Call) -> Answer:
    return Answer(200, {KIND: show(call, call.find(KIND))})


def _location(call: Call, body: models.CreateLoadBalancer) -> str:
    if (body.location is None) == (body.network_zone is None):
        raise invalid("location", "exactly one of location and network_zone must be given")
    if body.location is not None:
        return str(call.cloud.catalogue.location(body.location)["name"])
    zone = call.cloud.catalogue.zones.get(body.network_zone or "")
    if zone is None:
        raise invalid("network_zone", f"network zone '{body.network_zone}' not found")
    return zone[0]


def create(call: Call) -> Answer:
    body = call.body(models.CreateLoadBalancer)
    common.check_name_free(call.tx, KIND, body.name)
    call.cloud.check_limit(call.tx, KIND)
    kind = call.cloud.catalogue.load_balancer_type(body.load_balancer_type)
    row = call.tx.add(
        KIND,
        {
            "name": body.name,
            "private_net": [],
            "location": _location(call, body),
            "load_balancer_type": kind["name"],
            "protection": {"delete": False},
            "labels": body.labels or {},
            "created": now(),
            "services": [],
            "targets": [],
            "algorithm": {"type": body.algorithm.type if body.algorithm else "round_robin"},
            "public_interface": body.public_interface is not False,
        },
    )
    take_public_ips(call, row, body.public_net or models.PublicNet())
    if body.network is not None:
        attach(call, row, body.network, None, None)
    for index, service in enumerate(body.services or ()):
        row["services"].append(services.merged(None, service, f"services[{index}]."))
    services.check_services(call, row)
    for index, target in enumerate(body.targets or ()):
        targets.add(call, row, target, f"targets[{index}].")
    action = apply(call, "create_load_balancer", row["id"])
    return Answer(201, {KIND: show(call, row), "action": action})


def update(call: Call) -> Answer:
    return common.update(call, KIND, show)


def delete(call: Call) -> Answer:
    row = call.find(KIND)
    common.check_deletable(row, "load balancer")
    number, machines = row["id"], call.cloud.machines
    call.tx.remove(KIND, number)
    pool.release(call.tx, (KIND, number))
    action = call.cloud.act(
        call.tx,
        "delete_load_balancer",
        [(KIND, number)],
        lambda: machines.delete_load_balancer(number),
        alone=[(KIND, number)],
        beside=[("network", one["network"]) for one in row["private_net"]],
    )
    return Answer(201, {"action": action})


def add_service(call: Call) -> Answer:
    row = editing(call)
    row["services"].append(services.merged(None, call.body(models.Service)))
    services.check_services(call, row)
    return Answer(201, {"action": apply(call, "add_service", row["id"])})


def _service(row: Row, listen_port: int) -> int:
    for index, service in enumerate(row["services"]):
        if service["listen_port"] == listen_port:
            return index
    raise not_found("load balancer service", listen_port)


def update_service(call: Call) -> Answer:
    row = editing(call)
    body = call.body(models.UpdateService)
    index = _service(row, body.listen_port)
    row["services"][index] = services.merged(row["services"][index], body)
    try:
        services.check_services(call, row)
    except ApiError as wrong:
        if wrong.code == "source_port_already_used":
            wrong.status = 422
        raise
    return Answer(201, {"action": apply(call, "update_service", row["id"])})


def delete_service(call: Call) -> Answer:
    row = editing(call)
    del row["services"][_service(row, call.body(models.DeleteService).listen_port)]
    return Answer(201, {"action": apply(call, "delete_service", row["id"])})


def add_target(call: Call) -> Answer:
    row = editing(call)
    targets.add(call, row, call.body(models.Target))
    return Answer(201, {"action": apply(call, "add_target", row["id"])})


def remove_target(call: Call) -> Answer:
    row = editing(call)
    body = call.body(models.Target)
    entry = targets.stored(call, body)
    kept = [one for one in row["targets"] if not targets.same(one, entry)]
    if len(kept) == len(row["targets"]):
        raise ApiError("load_balancer_target_not_found", "load balancer target not found", status=404)
    row["targets"] = kept
    return Answer(201, {"action": apply(call, "remove_target", row["id"])})


def change_algorithm(call: Call) -> Answer:
    row = editing(call)
    row["algorithm"] = {"type": call.body(models.Algorithm).type}
    return Answer(201, {"action": apply(call, "change_algorithm", row["id"])})


def change_type(call: Call) -> Answer:
    row = editing(call)
    kind = call.cloud.catalogue.load_balancer_type(call.body(models.ChangeType).load_balancer_type)
    row["load_balancer_type"] = kind["name"]
    try:
        services.check_services(call, row)
        targets.check_count(call, row)
    except ApiError as wrong:
        raise ApiError("invalid_load_balancer_type", wrong.message) from None
    return Answer(201, {"action": apply(call, "change_load_balancer_type", row["id"])})


def change_dns_ptr(call: Call) -> Answer:
    row = call.find(KIND)
    body = call.body(ChangeDnsPtr)
    dns.change(call.tx, list(specs.public_ips(call.tx, KIND, row["id"]).values()), body.ip, body.dns_ptr)
    return Answer(201, {"action": call.cloud.act(call.tx, "change_dns_ptr", [(KIND, row["id"])])})


def change_protection(call: Call) -> Answer:
    return common.change_protection(call, KIND)


ACTIONS = (add_service, update_service, delete_service, add_target, remove_target, attach_to_network,
           detach_from_network, enable_public_interface, disable_public_interface, change_algorithm, change_type,
           change_dns_ptr, change_protection)  # fmt: skip
ROUTES = [
    Route("GET", "/load_balancers", listing, targets.read_health),
    Route("POST", "/load_balancers", create),
    Route("GET", "/load_balancers/{id}", get, targets.read_health),
    Route("PUT", "/load_balancers/{id}", update, targets.read_health),
    Route("DELETE", "/load_balancers/{id}", delete),
    Route("GET", "/load_balancers/{id}/metrics", load_balancer_metrics, read_load_balancer),
    *(Route("POST", f"/load_balancers/{{id}}/actions/{one.__name__}", one) for one in ACTIONS),
    *action_routes("load_balancers", KIND),
]
