"""Variants: named ways to show an image. The answers carry the variant, and its id beside it (clients differ)."""

from __future__ import annotations

import re
from typing import Any

from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Answer, Call, Route
from localcloud.cloudflare.store import Row

KIND = "image_variant"
NAME = re.compile(r"[A-Za-z0-9]{1,99}")
FITS = ("scale-down", "contain", "cover", "crop", "pad")
METADATA = ("keep", "copyright", "none")
MAX_VARIANTS = 100
MAX_PIXELS = 12_000
PUBLIC: Row = {
    "id": "public",
    "options": {"fit": "scale-down", "metadata": "none", "width": 1366, "height": 768},
    "neverRequireSignedURLs": False,
}
"""What every account has before it makes any."""


def all_variants(call: Call) -> list[Row]:
    return rows(call.tx, call.account)


def rows(tx: Any, account: str) -> list[Row]:
    found: list[Row] = tx.all(KIND, account)
    if any(row["id"] == "public" for row in found) or tx.get_meta("public_variant_gone"):
        return found
    return [PUBLIC, *found]


def _answer(row: Row) -> Answer:
    return Answer({"variant": row, "id": row["id"]})


def _find(call: Call) -> Row:
    row = next((row for row in all_variants(call) if row["id"] == call.path["id"]), None)
    if row is None:
        raise ApiError(404, 5404, f"Variant {call.path['id']} not found")
    return row


def _options(sent: Any) -> dict[str, Any]:
    if not isinstance(sent, dict):
        raise bad_request("options are required", 5400, "/options")
    if sent.get("fit") not in FITS:
        raise bad_request(f"fit '{sent.get('fit')}' is not one of {', '.join(FITS)}", 5400, "/options/fit")
    if sent.get("metadata", "none") not in METADATA:
        raise bad_request(f"metadata is one of {', '.join(METADATA)}", 5400, "/options/metadata")
    for name in ("width", "height"):
        value = sent.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= MAX_PIXELS:
            raise bad_request(f"{name} must be from 1 to {MAX_PIXELS}", 5400, f"/options/{name}")
    return {"metadata": "none", **sent}


def listing(call: Call) -> Answer:
    return Answer({"variants": {row["id"]: row for row in all_variants(call)}})


def create(call: Call) -> Answer:
    sent = call.object()
    name = sent.get("id")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise bad_request("a variant's id has 1 to 99 letters and digits", 5400, "/id")
    if any(row["id"] == name for row in all_variants(call)):
        raise ApiError(409, 5409, "Resource already exists")
    if len(all_variants(call)) >= MAX_VARIANTS:
        raise bad_request(f"an account has at most {MAX_VARIANTS} variants", 5400)
    row = {"id": name, "options": _options(sent.get("options")),
           "neverRequireSignedURLs": bool(sent.get("neverRequireSignedURLs"))}  # fmt: skip
    return _answer(call.tx.put(KIND, call.account, name, row))


def get(call: Call) -> Answer:
    return _answer(_find(call))


def patch(call: Call) -> Answer:
    former, sent = _find(call), call.object()
    row = {**former, "options": _options({**former["options"], **(sent.get("options") or {})})}
    if sent.get("neverRequireSignedURLs") is not None:
        row["neverRequireSignedURLs"] = bool(sent["neverRequireSignedURLs"])
    return _answer(call.tx.put(KIND, call.account, row["id"], row))


def delete(call: Call) -> Answer:
    row = _find(call)
    if row["id"] == "public":
        call.tx.set_meta("public_variant_gone", True)
    call.tx.remove(KIND, call.account, row["id"])
    return Answer({})


BASE = "/accounts/{account_id}/images/v1/variants"
ROUTES = [
    Route("GET", BASE, listing),
    Route("POST", BASE, create),
    Route("GET", BASE + "/{id}", get),
    Route("PATCH", BASE + "/{id}", patch),
    Route("DELETE", BASE + "/{id}", delete),
]
