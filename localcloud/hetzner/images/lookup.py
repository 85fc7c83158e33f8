"""Finding images: the catalogue's system images together with the project's snapshots and backups."""

from __future__ import annotations

from typing import Any

from localcloud.hetzner.errors import invalid
from localcloud.hetzner.routing import Call
from localcloud.hetzner.store import Row

KIND = "image"


def all_images(call: Call) -> list[Row]:
    return [*call.cloud.catalogue.images, *call.tx.all(KIND)]


def shown_image(call: Call, number: int | None) -> dict[str, Any] | None:
    """The image as clients see it, or None once it is deleted."""
    for row in all_images(call):
        if row["id"] == number:
            return row
    return None


def usable_image(call: Call, reference: int | str, architecture: str) -> Row:
    """The image to boot a server of ``architecture`` from, by id or by name; raises 422."""
    found = [row for row in all_images(call) if reference in (row["id"], row["name"])]
    if not found:
        raise invalid("image", f"image '{reference}' not found")
    fitting = [row for row in found if row["architecture"] == architecture]
    if not fitting:
        raise invalid("image", f"image '{reference}' is not of the server type's architecture {architecture}")
    if fitting[0]["status"] != "available":
        raise invalid("image", f"image '{reference}' is not available yet")
    return fitting[0]


def boot_name(row: Row) -> str:
    """What machines call the image."""
    return str(row["name"]) if row["type"] == "system" else f"snapshot-{row['id']}"
