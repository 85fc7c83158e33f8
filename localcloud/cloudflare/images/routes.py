"""Images: described here, their originals are the data plane's."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

from localcloud.cloudflare.dataplane.interface import DataPlaneError
from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.images import assemble, variants
from localcloud.cloudflare.images.fetching import MAX_BYTES, fetched
from localcloud.cloudflare.pages import after_cursor
from localcloud.cloudflare.routing import Answer, Call, Raw, Route, now, public, uuid_id
from localcloud.cloudflare.store import Row

KIND = "image"
NAME = re.compile(r"[^\s?#%]{1,1024}")
UPLOADING = threading.Lock()
"""One upload at a time: of two with the same id, the second must not replace what the first has kept."""


def show(call: Call, row: Row) -> dict[str, Any]:
    base = f"{call.cloud.dataplane.pictures.address}/{assemble.account_hash(call.account)}/{row['id']}"
    return {**public(row), "variants": [f"{base}/{one['id']}" for one in variants.all_variants(call)]}


def _find(call: Call) -> Row:
    row = call.tx.get(KIND, call.account, call.path["id"])
    if row is None:
        raise ApiError(404, 5404, "Image not found")
    return row


def listing(call: Call) -> Answer:
    answer = call.page(call.tx.all(KIND, call.account), lambda row: show(call, row), 1000, 10_000)
    return Answer({"images": answer.result}, info=answer.info)


def listing_v2(call: Call) -> Answer:
    rows = {row["id"]: row for row in call.tx.all(KIND, call.account)}
    query = {**call.query, "cursor": call.query.get("continuation_token", "")}
    page, cursor = after_cursor(list(rows), query, 1000, 10_000)
    return Answer({"images": [show(call, rows[name]) for name in page], "continuation_token": cursor or None})


def _fields(call: Call) -> dict[str, Any]:
    """The fields of a form, or of a JSON body: ``file`` as (name, bytes), the rest as text or JSON."""
    if not call.content_type.lower().startswith("multipart/"):
        return call.object()
    found: dict[str, Any] = {}
    for part in call.form():
        if part.name == "file":
            # A part without a file name is a field, and no upload.
            found["file"] = (part.filename, part.content)
        elif part.content:
            found[part.name] = part.content.decode(errors="replace")
    if "metadata" in found:
        try:
            found["metadata"] = json.loads(found["metadata"])
        except ValueError:
            raise bad_request("metadata must be JSON", 5400, "/metadata") from None
    if "requireSignedURLs" in found:
        found["requireSignedURLs"] = found["requireSignedURLs"] == "true"
    return found


def create(call: Call) -> Answer:
    sent = _fields(call)
    name = sent.get("id") or uuid_id()
    if not NAME.fullmatch(name) or name.startswith("/") or name in ("stats", "keys", "variants", "config"):
        raise bad_request(f"The image id '{name}' is not valid", 5400, "/id")
    if sent.get("id") and sent.get("requireSignedURLs"):
        raise bad_request("An image with an id of its own cannot require signed URLs", 5400, "/requireSignedURLs")
    if sent.get("url"):
        filename, content = fetched(call.cloud.dataplane.pictures, sent["url"])
    elif isinstance(sent.get("file"), tuple):
        filename, content = sent["file"]
        if not filename:
            raise ApiError(415, 5415, "Images must be uploaded as a form, not as raw image data: the file has no name")
    else:
        raise bad_request("file or url is required", 5400)
    if len(content) > MAX_BYTES:
        raise ApiError(413, 5413, f"The image is larger than {MAX_BYTES // 1048576} MiB")
    row: Row = {
        "id": name,
        "filename": filename,
        "uploaded": now(),
        "requireSignedURLs": bool(sent.get("requireSignedURLs")),
        "meta": sent.get("metadata") or {},
    }
    if sent.get("creator"):
        row["creator"] = sent["creator"]
    with UPLOADING:
        return _keep(call, row, content)


def _keep(call: Call, row: Row, content: bytes) -> Answer:
    with call.cloud.store.transaction() as call.transaction:
        if call.tx.get(KIND, call.account, row["id"]) is not None:
            raise ApiError(409, 5409, "Resource already exists")
    try:
        call.cloud.dataplane.pictures.put(row["id"], content)
    except DataPlaneError as wrong:
        raise ApiError(415, 5455, str(wrong)) from None
    with call.cloud.store.transaction() as call.transaction:
        call.tx.put(KIND, call.account, row["id"], row)
        return Answer(show(call, row))


def get(call: Call) -> Answer:
    return Answer(show(call, _find(call)))


def patch(call: Call) -> Answer:
    row, sent = _find(call), _fields(call)
    changed = call.tx.edit(KIND, call.account, row["id"])
    if "metadata" in sent:
        changed["meta"] = sent["metadata"] or {}
    if "requireSignedURLs" in sent:
        changed["requireSignedURLs"] = bool(sent["requireSignedURLs"])
    if "creator" in sent:
        changed["creator"] = sent["creator"]
    return Answer(show(call, changed))


def delete(call: Call) -> Answer:
    with call.cloud.store.transaction() as call.transaction:
        row = _find(call)
        call.tx.remove(KIND, call.account, row["id"])
    call.cloud.dataplane.pictures.delete(row["id"])
    return Answer({})


def blob(call: Call) -> Raw:
    with call.cloud.store.transaction() as call.transaction:
        row = _find(call)
    content = call.cloud.dataplane.pictures.get(row["id"])
    if content is None:
        raise ApiError(404, 5404, "Image not found")
    return Raw(content, "application/octet-stream")


def stats(call: Call) -> Answer:
    return Answer({"count": {"current": len(call.tx.all(KIND, call.account)), "allowed": 100_000}})


def keys(call: Call) -> Answer:
    return Answer({"keys": [{"name": "default", "value": assemble.signing_key(call.cloud)}]})


def config(call: Call) -> Answer:
    row = call.tx.get("image_settings", call.account, "config") or {"id": "config", "flexible_variants": False}
    sent = call.object()
    if isinstance(sent.get("flexible_variants"), bool):
        row = {**row, "flexible_variants": sent["flexible_variants"]}
        call.tx.put("image_settings", call.account, "config", row)
    return Answer({"flexible_variants": row["flexible_variants"]})


BASE = "/accounts/{account_id}/images"
ROUTES = [
    Route("GET", BASE + "/v1", listing),
    Route("GET", BASE + "/v2", listing_v2),
    Route("POST", BASE + "/v1", create, free=True),
    Route("GET", BASE + "/v1/stats", stats),
    Route("GET", BASE + "/v1/keys", keys),
    Route("GET", BASE + "/v1/config", config),
    Route("PATCH", BASE + "/v1/config", config),
    Route("GET", BASE + "/v1/{id*}", get),
    Route("PATCH", BASE + "/v1/{id*}", patch),
    Route("DELETE", BASE + "/v1/{id*}", delete, free=True),
    Route("GET", BASE + "/v1/{id}/blob", blob, free=True),
]
