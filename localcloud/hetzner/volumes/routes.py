"""Routes of volumes."""

from __future__ import annotations

from typing import Any

from localcloud.hetzner import common, specs
from localcloud.hetzner.actionlog import now
from localcloud.hetzner.catalogue_routes import action_routes
from localcloud.hetzner.errors import ApiError, invalid
from localcloud.hetzner.routing import Answer, Call, Route
from localcloud.hetzner.store import Row, Transaction
from localcloud.hetzner.volumes import models

KIND = "volume"
MAX_PER_SERVER = 16


def show(call: Call, row: Row) -> dict[str, Any]:
    """The volume as clients see it."""
    return {
        **row,
        "location": call.cloud.catalogue.location(row["location"]),
        "linux_device": f"/dev/disk/by-id/scsi-0HC_Volume_{row['id']}",
    }


def attached(tx: Transaction, server_id: int) -> list[Row]:
    return [row for row in tx.all(KIND) if row["server"] == server_id]


def listing(call: Call) -> Answer:
    statuses = call.choice("status", ("available", "creating"))
    rows = [row for row in call.tx.all(KIND) if not statuses or row["status"] in statuses]
    return call.listing("volumes", rows, lambda row: show(call, row), ("id", "name", "created"))


def get(call: Call) -> Answer:
    return Answer(200, {KIND: show(call, call.find(KIND))})


def create(call: Call) -> Answer:
    body = call.body(models.CreateVolume)
    common.check_name_free(call.tx, KIND, body.name)
    call.cloud.check_limit(call.tx, KIND)
    if (body.location is None) == (body.server is None):
        raise invalid("location", "exactly one of location and server must be given")
    if body.automount and body.server is None:
        raise invalid("automount", "server must be provided")
    if body.automount and body.format is None:
        raise invalid("automount", "a format must be provided: an unformatted volume cannot be mounted")
    if body.server is not None:
        location = _attachable(call, body.server)["location"]
    else:
        location = call.cloud.catalogue.location(body.location or "")["name"]
    row = call.tx.add(
        KIND,
        {
            "created": now(),
            "name": body.name,
            "server": None,
            "location": location,
            "size": body.size,
            "protection": {"delete": False},
            "labels": body.labels or {},
            "status": "creating",
            "format": body.format,
        },
    )
    number = row["id"]
    spec = specs.volume(row)
    resources = [(KIND, number), *([("server", body.server)] if body.server is not None else [])]
    action = call.cloud.act(
        call.tx,
        "create_volume",
        resources,
        lambda: call.cloud.machines.create_volume(spec),
        lambda tx: tx.edit(KIND, number).update(status="available"),
        lambda tx: tx.edit(KIND, number).update(status="available"),
        locks=resources,
    )
    follow = []
    if body.server is not None:
        follow = [attach_to(call, row, body.server, bool(body.automount), after=action)]
    return Answer(201, {KIND: show(call, row), "action": action, "next_actions": follow})


def _attachable(call: Call, server_id: int) -> Row:
    """The server that a volume is to be attached to, or an error."""
    server = call.tx.get("server", server_id)
    if server is None:
        raise invalid("server", f"server with ID '{server_id}' not found")
    call.cloud.check_unlocked(("server", server_id))
    if len(attached(call.tx, server_id)) >= MAX_PER_SERVER:
        raise invalid("server", f"a server can have at most {MAX_PER_SERVER} volumes attached")
    return server


def attach_to(call: Call, row: Row, server_id: int, automount: bool, after: Row | None = None) -> Row:
    """The action that shows a volume in a server. The volume belongs to it at once; if it fails it is free again."""
    number = row["id"]
    cloud = call.cloud
    call.tx.edit(KIND, number)["server"] = server_id
    keys = [(KIND, number), ("server", server_id)]
    return cloud.act(
        call.tx,
        "attach_volume",
        keys,
        lambda: cloud.machines.attach_volume(number, server_id, automount),
        failed=lambda tx: tx.edit(KIND, number).update(server=None),
        locks=keys,
        after=after,
    )


def update(call: Call) -> Answer:
    return common.update(call, KIND, show, models.UpdateVolume)


def delete(call: Call) -> Answer:
    row = call.find(KIND)
    common.check_deletable(row, KIND)
    call.cloud.check_unlocked((KIND, row["id"]))
    if row["server"] is not None:
        raise ApiError("service_error", f"volume with ID '{row['id']}' is still attached to a server")
    call.tx.remove(KIND, row["id"])
    number = row["id"]
    call.cloud.settle(call.tx, lambda: call.cloud.machines.delete_volume(number), [(KIND, number)])
    return Answer(204)


def attach(call: Call) -> Answer:
    row = call.find(KIND)
    body = call.body(models.Attach)
    call.cloud.check_unlocked((KIND, row["id"]))
    if row["server"] is not None:
        raise ApiError("volume_already_attached", f"volume with ID '{row['id']}' is already attached to a server")
    server = _attachable(call, body.server)
    if server["location"] != row["location"]:
        raise invalid("server", "volume and server must be in the same location")
    return Answer(201, {"action": attach_to(call, row, body.server, bool(body.automount))})


def detach(call: Call) -> Answer:
    row = call.find(KIND)
    number, server_id = row["id"], row["server"]
    if server_id is None:
        raise ApiError("volume_not_attached", f"volume with ID '{number}' is not attached to a server", status=422)
    keys = [(KIND, number), ("server", server_id)]
    call.cloud.check_unlocked(*keys)
    action = call.cloud.act(
        call.tx,
        "detach_volume",
        keys,
        lambda: call.cloud.machines.detach_volume(number),
        lambda tx: tx.edit(KIND, number).update(server=None),
        locks=keys,
    )
    return Answer(201, {"action": action})


def resize(call: Call) -> Answer:
    row = call.find(KIND)
    body = call.body(models.Resize)
    call.cloud.check_unlocked((KIND, row["id"]))
    if body.size <= row["size"]:
        raise invalid("size", f"must be greater than the current size of {row['size']} GB")
    number = row["id"]
    action = call.cloud.act(
        call.tx,
        "resize_volume",
        [(KIND, number)],
        lambda: call.cloud.machines.resize_volume(number, body.size),
        lambda tx: tx.edit(KIND, number).update(size=body.size),
        locks=[(KIND, number)],
    )
    return Answer(201, {"action": action})


def change_protection(call: Call) -> Answer:
    return common.change_protection(call, KIND)


ROUTES = [
    Route("GET", "/volumes", listing),
    Route("POST", "/volumes", create),
    Route("GET", "/volumes/{id}", get),
    Route("PUT", "/volumes/{id}", update),
    Route("DELETE", "/volumes/{id}", delete),
    Route("POST", "/volumes/{id}/actions/attach", attach),
    Route("POST", "/volumes/{id}/actions/detach", detach),
    Route("POST", "/volumes/{id}/actions/resize", resize),
    Route("POST", "/volumes/{id}/actions/change_protection", change_protection),
    *action_routes("volumes", KIND),
]
