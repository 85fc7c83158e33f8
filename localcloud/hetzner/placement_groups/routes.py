"""Routes of placement groups."""

from __future__ import annotations

from typing import Any, Literal

from localcloud.hetzner import common
from localcloud.hetzner.actionlog import now
from localcloud.hetzner.errors import ApiError
from localcloud.hetzner.fields import Body, Labels, Name
from localcloud.hetzner.routing import Answer, Call, Route
from localcloud.hetzner.store import Row, Transaction

KIND = "placement_group"
MAX_SERVERS = 10


class CreatePlacementGroup(Body):
    name: Name
    type: Literal["spread"]
    labels: Labels | None = None


def servers(tx: Transaction, group_id: int) -> list[int]:
    return [row["id"] for row in tx.all("server") if row["placement_group"] == group_id]


def check_room(tx: Transaction, group_id: int) -> None:
    """Raise placement_error if the group has as many servers as different hosts can be found for."""
    if len(servers(tx, group_id)) >= MAX_SERVERS:
        raise ApiError("placement_error", f"a placement group of type spread can have at most {MAX_SERVERS} servers")


def show(call: Call, row: Row) -> dict[str, Any]:
    """The placement group as clients see it."""
    return {**row, "servers": servers(call.tx, row["id"])}


def listing(call: Call) -> Answer:
    types = call.choice("type", ("spread",))
    rows = [row for row in call.tx.all(KIND) if not types or row["type"] in types]
    return call.listing("placement_groups", rows, lambda row: show(call, row), ("id", "name", "created"))


def create(call: Call) -> Answer:
    body = call.body(CreatePlacementGroup)
    common.check_name_free(call.tx, KIND, body.name)
    call.cloud.check_limit(call.tx, KIND)
    row = call.tx.add(KIND, {"name": body.name, "labels": body.labels or {}, "type": body.type, "created": now()})
    return Answer(201, {KIND: show(call, row), "action": None})


def get(call: Call) -> Answer:
    return Answer(200, {KIND: show(call, call.find(KIND))})


def update(call: Call) -> Answer:
    return common.update(call, KIND, show)


def delete(call: Call) -> Answer:
    """Servers of the group stay; they only leave it."""
    row = call.find(KIND)
    for number in servers(call.tx, row["id"]):
        call.tx.edit("server", number)["placement_group"] = None
    call.tx.remove(KIND, row["id"])
    return Answer(204)


ROUTES = [
    Route("GET", "/placement_groups", listing),
    Route("POST", "/placement_groups", create),
    Route("GET", "/placement_groups/{id}", get),
    Route("PUT", "/placement_groups/{id}", update),
    Route("DELETE", "/placement_groups/{id}", delete),
]
