"""Routes of images."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from localcloud.hetzner import common
from localcloud.hetzner.catalogue_routes import action_routes
from localcloud.hetzner.errors import ApiError, invalid, not_found, protected
from localcloud.hetzner.fields import Body, ChangeProtection, Labels
from localcloud.hetzner.images.lookup import KIND, all_images, boot_name, shown_image
from localcloud.hetzner.routing import Answer, Call, Route
from localcloud.hetzner.store import Row

TYPES = ("system", "app", "snapshot", "backup")
STATUSES = ("available", "creating", "unavailable")


class UpdateImage(Body):
    description: str | None = Field(default=None, max_length=1024)
    type: Literal["snapshot"] | None = None
    labels: Labels | None = None


def listing(call: Call) -> Answer:
    rows = all_images(call)
    for parameter, allowed in (("type", TYPES), ("status", STATUSES), ("architecture", ("x86", "arm"))):
        wanted = call.choice(parameter, allowed)
        rows = [row for row in rows if not wanted or row[parameter] in wanted]
    bound = call.values("bound_to")
    rows = [row for row in rows if not bound or str(row["bound_to"]) in bound]
    if call.value("include_deprecated") != "true":
        rows = [row for row in rows if row["deprecated"] is None]
    return call.listing("images", rows, dict, ("id", "name", "created"))


def _find(call: Call) -> Row:
    image = shown_image(call, call.path["id"])
    if image is None:
        raise not_found(KIND, call.path["id"])
    return image


def _own(call: Call) -> Row:
    """The project's image of the path: system images cannot be changed."""
    image = _find(call)
    if image["type"] == "system":
        raise ApiError("forbidden", "only images of type snapshot and backup can be changed")
    return image


def get(call: Call) -> Answer:
    return Answer(200, {KIND: dict(_find(call))})


def update(call: Call) -> Answer:
    image = _own(call)
    body = call.body(UpdateImage)
    changed = call.tx.edit(KIND, image["id"])
    if body.description is not None:
        changed["description"] = body.description
    if body.labels is not None:
        changed["labels"] = body.labels
    if body.type is not None:
        changed.update(type=body.type, bound_to=None)
    return Answer(200, {KIND: dict(changed)})


def delete(call: Call) -> Answer:
    image = _own(call)
    if image["protection"]["delete"]:
        raise protected(KIND)
    if image["status"] == "creating":
        raise ApiError("locked", "cannot perform operation because image is locked")
    call.tx.remove(KIND, image["id"])
    name = boot_name(image)
    call.cloud.settle(call.tx, lambda: call.cloud.machines.delete_image(name), [(KIND, image["id"])])
    return Answer(204)


def change_protection(call: Call) -> Answer:
    if _own(call)["type"] != "snapshot" and call.body(ChangeProtection).delete:
        raise invalid("delete", "protection can only be enabled for snapshots")
    return common.change_protection(call, KIND)


ROUTES = [
    Route("GET", "/images", listing),
    Route("GET", "/images/{id}", get),
    Route("PUT", "/images/{id}", update),
    Route("DELETE", "/images/{id}", delete),
    Route("POST", "/images/{id}/actions/change_protection", change_protection),
    *action_routes("images", KIND, _find),
]
