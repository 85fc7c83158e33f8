"""Routes of primary IPs."""

from __future__ import annotations

from typing import Any

from localcloud.hetzner import common, dns, specs
from localcloud.hetzner.catalogue_routes import action_routes
from localcloud.hetzner.errors import ApiError, invalid, protected
from localcloud.hetzner.fields import ChangeDnsPtr, ChangeProtection
from localcloud.hetzner.primary_ips import models, pool
from localcloud.hetzner.refresh import refresh_server
from localcloud.hetzner.routing import Answer, Call, Route
from localcloud.hetzner.store import Row

KIND = "primary_ip"


def show(call: Call, row: Row) -> dict[str, Any]:
    """The primary IP as clients see it."""
    return {**row, "location": call.cloud.catalogue.location(row["location"]), "dns_ptr": dns.pointers(row)}


def listing(call: Call) -> Answer:
    rows = call.tx.all(KIND)
    ip = call.value("ip")
    if ip is not None:
        rows = [row for row in rows if row["ip"] == ip or row["ip"].partition("/")[0] == ip]
    return call.listing("primary_ips", rows, lambda row: show(call, row), ("id", "created"))


def get(call: Call) -> Answer:
    return Answer(200, {KIND: show(call, call.find(KIND))})


def create(call: Call) -> Answer:
    body = call.body(models.CreatePrimaryIp)
    common.check_name_free(call.tx, KIND, body.name)
    if (body.location is None) == (body.assignee_id is None):
        raise invalid("location", "exactly one of location and assignee_id must be given")
    server = None
    if body.assignee_id is not None:
        server = call.find("server", body.assignee_id)
        _check_assignable(call, server, body.type)
        location = server["location"]
    else:
        location = call.cloud.catalogue.location(body.location or "")["name"]
    row = pool.create(
        call.cloud,
        call.tx,
        body.type,
        location,
        body.name,
        body.labels,
        bool(body.auto_delete),
        ("server", server["id"]) if server else None,
    )
    action = _changed(call, "assign_primary_ip", row["id"], server["id"]) if server else None
    return Answer(201, {KIND: show(call, row), "action": action})


def update(call: Call) -> Answer:
    row = call.find(KIND)
    body = call.body(models.UpdatePrimaryIp)
    if body.auto_delete is not None:
        if body.auto_delete and row["protection"]["delete"]:
            raise invalid("auto_delete", "cannot be enabled while delete protection is enabled")
        call.tx.edit(KIND, row["id"])["auto_delete"] = body.auto_delete
    return common.update(call, KIND, show, models.UpdatePrimaryIp)


def delete(call: Call) -> Answer:
    row = call.find(KIND)
    if row["protection"]["delete"]:
        raise protected("primary IP")
    if row["assignee_id"] is not None:
        raise ApiError("must_be_unassigned", "primary IP must be unassigned before it can be deleted")
    call.tx.remove(KIND, row["id"])
    return Answer(204)


def _check_assignable(call: Call, server: Row, kind: str) -> None:
    call.cloud.check_unlocked(("server", server["id"]))
    if server["status"] != "off":
        raise ApiError("server_not_stopped", "server is running, but needs to be powered off")
    if kind in specs.public_ips(call.tx, "server", server["id"]):
        raise ApiError(f"server_has_{kind}", f"server already has an {kind} address")


def _changed(call: Call, command: str, number: int, server_id: int) -> Row:
    """The action of a changed assignment: the server, which is off, takes its addresses over."""
    row = call.tx.get("server", server_id)
    assert row is not None, "a primary IP is assigned to a server that exists"
    spec = specs.server(call.tx, call.cloud.catalogue, row)
    refresh_server(call.cloud, call.tx, server_id, row["labels"])
    return call.cloud.act(
        call.tx,
        command,
        [(KIND, number), ("server", server_id)],
        lambda: call.cloud.machines.update_server(spec),
        locks=[("server", server_id)],
    )


def assign(call: Call) -> Answer:
    row = call.find(KIND)
    body = call.body(models.Assign)
    server = call.tx.get("server", body.assignee_id)
    if server is None:
        raise invalid("assignee_id", f"server with ID '{body.assignee_id}' not found")
    if row["assignee_id"] is not None:
        raise ApiError("primary_ip_already_assigned", "primary IP is already assigned to a different resource")
    if row["location"] != server["location"]:
        raise ApiError("primary_ip_datacenter_mismatch", "primary IP and server are in different locations")
    _check_assignable(call, server, row["type"])
    call.tx.edit(KIND, row["id"]).update(assignee_type="server", assignee_id=server["id"])
    return Answer(201, {"action": _changed(call, "assign_primary_ip", row["id"], server["id"])})


def unassign(call: Call) -> Answer:
    row = call.find(KIND)
    if row["assignee_type"] == "load_balancer":
        raise ApiError("unsupported_error", "the primary IP of a load balancer cannot be unassigned")
    if row["assignee_id"] is None:
        raise ApiError("primary_ip_not_assigned", "primary IP is not assigned to a resource")
    server = call.find("server", row["assignee_id"])
    call.cloud.check_unlocked(("server", server["id"]))
    if server["status"] != "off":
        raise ApiError("server_not_stopped", "server is running, but needs to be powered off")
    if row["type"] == "ipv4" and _is_public_target(call, server["id"]):
        raise ApiError("server_is_load_balancer_target", "server's IPv4 address is a load balancer target")
    call.tx.edit(KIND, row["id"]).update(assignee_type="unassigned", assignee_id=None)
    return Answer(201, {"action": _changed(call, "unassign_primary_ip", row["id"], server["id"])})


def _is_public_target(call: Call, server_id: int) -> bool:
    return any(
        target["type"] == "server" and target["server"]["id"] == server_id and not target["use_private_ip"]
        for balancer in call.tx.all("load_balancer")
        for target in balancer["targets"]
    )


def change_dns_ptr(call: Call) -> Answer:
    row = call.find(KIND)
    body = call.body(ChangeDnsPtr)
    dns.change(call.tx, [row], body.ip, body.dns_ptr)
    return Answer(201, {"action": call.cloud.act(call.tx, "change_dns_ptr", [(KIND, row["id"])])})


def change_protection(call: Call) -> Answer:
    if call.body(ChangeProtection).delete and call.find(KIND)["auto_delete"]:
        raise invalid("delete", "protection can only be enabled if auto_delete is false")
    return common.change_protection(call, KIND)


ROUTES = [
    Route("GET", "/primary_ips", listing),
    Route("POST", "/primary_ips", create),
    Route("GET", "/primary_ips/{id}", get),
    Route("PUT", "/primary_ips/{id}", update),
    Route("DELETE", "/primary_ips/{id}", delete),
    Route("POST", "/primary_ips/{id}/actions/assign", assign),
    Route("POST", "/primary_ips/{id}/actions/unassign", unassign),
    Route("POST", "/primary_ips/{id}/actions/change_dns_ptr", change_dns_ptr),
    Route("POST", "/primary_ips/{id}/actions/change_protection", change_protection),
    *action_routes("primary_ips", KIND),
]
