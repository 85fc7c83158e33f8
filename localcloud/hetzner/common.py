"""What every group of resources does the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localcloud.hetzner.errors import invalid, not_unique, protected
from localcloud.hetzner.fields import ChangeProtection, Update
from localcloud.hetzner.routing import Answer, Call
from localcloud.hetzner.store import Row, Transaction

View = Callable[[Call, Row], dict[str, Any]]


def check_name_free(tx: Transaction, kind: str, name: str, but: int | None = None) -> None:
    """Raise 409 if another resource of ``kind`` has ``name``."""
    if any(row["name"] == name and row["id"] != but for row in tx.all(kind)):
        raise not_unique(kind.replace("_", " "))


def check_deletable(row: Row, noun: str) -> None:
    """Raise 423 if delete protection is on."""
    if row["protection"]["delete"]:
        raise protected(noun)


def update(call: Call, kind: str, view: View, model: type[Update] = Update) -> Answer:
    """PUT: take over the name and the labels that were sent."""
    row = call.find(kind)
    body = call.body(model)
    if body.name is not None and body.name != row["name"]:
        check_name_free(call.tx, kind, body.name, row["id"])
        call.tx.edit(kind, row["id"])["name"] = body.name
    if body.labels is not None and body.labels != row["labels"]:
        call.tx.edit(kind, row["id"])["labels"] = body.labels
    return Answer(200, {kind: view(call, call.find(kind))})


def change_protection(call: Call, kind: str) -> Answer:
    """POST …/actions/change_protection for resources that know delete protection only."""
    row = call.find(kind)
    body = call.body(ChangeProtection)
    if body.delete is not None:
        call.tx.edit(kind, row["id"])["protection"]["delete"] = body.delete
    action = call.cloud.act(call.tx, "change_protection", [(kind, row["id"])])
    return Answer(201, {"action": action})


def same_zone(call: Call, location: str, zone: str, field: str) -> None:
    """Raise 422 unless ``location`` lies in the network zone ``zone``."""
    actual = call.cloud.catalogue.location(location)["network_zone"]
    if actual != zone:
        raise invalid(field, f"network zone '{zone}' does not match the resource's location {location} in '{actual}'")
