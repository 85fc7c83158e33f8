"""Routes of firewalls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localcloud.hetzner import common, specs
from localcloud.hetzner.actionlog import now
from localcloud.hetzner.catalogue_routes import action_routes
from localcloud.hetzner.errors import ApiError
from localcloud.hetzner.firewalls import models, rules
from localcloud.hetzner.refresh import apply_firewalls
from localcloud.hetzner.routing import Answer, Call, Route
from localcloud.hetzner.store import Row

KIND = "firewall"


def show(call: Call, row: Row) -> dict[str, Any]:
    """The firewall as clients see it: selectors tell which servers they match now."""
    applied = []
    for resource in row["applied_to"]:
        entry = dict(resource)
        if resource["type"] == "label_selector":
            entry["applied_to_resources"] = [
                {"type": "server", "server": {"id": server["id"]}}
                for server in rules.matching_servers(call.tx, resource)
            ]
        applied.append(entry)
    return {**row, "applied_to": applied}


def listing(call: Call) -> Answer:
    return call.listing("firewalls", call.tx.all(KIND), lambda row: show(call, row), ("id", "name", "created"))


def get(call: Call) -> Answer:
    return Answer(200, {KIND: show(call, call.find(KIND))})


def create(call: Call) -> Answer:
    body = call.body(models.CreateFirewall)
    common.check_name_free(call.tx, KIND, body.name)
    call.cloud.check_limit(call.tx, KIND)
    row = call.tx.add(
        KIND,
        {
            "name": body.name,
            "labels": body.labels or {},
            "created": now(),
            "rules": [rules.normalised(one, f"rules[{index}]") for index, one in enumerate(body.rules or ())],
            "applied_to": [],
        },
    )
    servers = _apply(call, row, body.apply_to or (), missing_status=422, repeated="server_already_added")
    actions = _actions(call, "apply_firewall", row["id"], servers)
    return Answer(201, {KIND: show(call, row), "actions": actions})


def update(call: Call) -> Answer:
    return common.update(call, KIND, show)


def delete(call: Call) -> Answer:
    row = call.find(KIND)
    if row["applied_to"]:
        raise ApiError("resource_in_use", f"firewall with ID '{row['id']}' is still in use")
    call.tx.remove(KIND, row["id"])
    return Answer(204)


def _apply(call: Call, row: Row, resources: Sequence[models.Resource], missing_status: int, repeated: str) -> list[Row]:
    """Add ``resources`` to ``row``, which is being edited; returns the servers that it is newly in force on."""
    before = {server["id"] for server in rules.servers_of(call.tx, row)}
    for index, resource in enumerate(resources):
        entry = rules.stored_resource(resource, f"apply_to[{index}]")
        if entry["type"] == "server" and call.tx.get("server", entry["server"]["id"]) is None:
            text = f"server with ID '{entry['server']['id']}' not found"
            raise ApiError("firewall_resource_not_found", text, status=missing_status)
        if entry in row["applied_to"]:
            raise ApiError(repeated, "firewall is already applied to the resource")
        row["applied_to"].append(entry)
    servers = [server for server in rules.servers_of(call.tx, row) if server["id"] not in before]
    for server in servers:
        rules.check_server(call.cloud, call.tx, specs.applied_firewalls(call.tx, server), server)
    return servers


def _actions(call: Call, command: str, number: int, servers: Sequence[Row]) -> list[Row]:
    """One action for each server whose rules change. It does not lock the server."""
    cloud = call.cloud

    def one(server_id: int) -> Row:
        return cloud.act(
            call.tx,
            command,
            [(KIND, number), ("server", server_id)],
            lambda: apply_firewalls(cloud, server_id),
            alone=[("server", server_id)],
        )

    return [one(server["id"]) for server in servers]


def apply_to_resources(call: Call) -> Answer:
    row = call.tx.edit(KIND, call.find(KIND)["id"])
    body = call.body(models.ApplyTo)
    servers = _apply(call, row, body.apply_to, missing_status=404, repeated="firewall_already_applied")
    return Answer(201, {"actions": _actions(call, "apply_firewall", row["id"], servers)})


def remove_from_resources(call: Call) -> Answer:
    row = call.tx.edit(KIND, call.find(KIND)["id"])
    before = rules.servers_of(call.tx, row)
    for index, resource in enumerate(call.body(models.RemoveFrom).remove_from):
        entry = rules.stored_resource(resource, f"remove_from[{index}]")
        if entry["type"] == "server" and call.tx.get("server", entry["server"]["id"]) is None:
            text = f"server with ID '{entry['server']['id']}' not found"
            raise ApiError("firewall_resource_not_found", text, status=404)
        if entry not in row["applied_to"]:
            if entry["type"] == "server" and any(one["id"] == entry["server"]["id"] for one in before):
                raise ApiError("firewall_managed_by_label_selector", "firewall is applied via a label selector")
            raise ApiError("firewall_already_removed", "firewall is not applied to the resource")
        row["applied_to"].remove(entry)
    still = {server["id"] for server in rules.servers_of(call.tx, row)}
    gone = [server for server in before if server["id"] not in still]
    return Answer(201, {"actions": _actions(call, "remove_firewall", row["id"], gone)})


def set_rules(call: Call) -> Answer:
    """The rules are replaced as a whole; an action for the firewall, then one for each server."""
    row = call.tx.edit(KIND, call.find(KIND)["id"])
    body = call.body(models.SetRules)
    row["rules"] = [rules.normalised(one, f"rules[{index}]") for index, one in enumerate(body.rules)]
    servers = rules.servers_of(call.tx, row)
    for server in servers:
        rules.check_server(call.cloud, call.tx, specs.applied_firewalls(call.tx, server), server)
    first = call.cloud.act(call.tx, "set_firewall_rules", [(KIND, row["id"])])
    return Answer(201, {"actions": [first, *_actions(call, "apply_firewall", row["id"], servers)]})


ROUTES = [
    Route("GET", "/firewalls", listing),
    Route("POST", "/firewalls", create),
    Route("GET", "/firewalls/{id}", get),
    Route("PUT", "/firewalls/{id}", update),
    Route("DELETE", "/firewalls/{id}", delete),
    Route("POST", "/firewalls/{id}/actions/apply_to_resources", apply_to_resources),
    Route("POST", "/firewalls/{id}/actions/remove_from_resources", remove_from_resources),
    Route("POST", "/firewalls/{id}/actions/set_rules", set_rules),
    *action_routes("firewalls", KIND),
]
