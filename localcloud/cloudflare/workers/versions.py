"""Versions: made of an upload, checked by the runtime, and shown in the two forms that the API has for them."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

from localcloud.cloudflare import assemble
from localcloud.cloudflare.dataplane.interface import DataPlaneError
from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.pages import Page
from localcloud.cloudflare.routing import Answer, Call, Route, now, uuid_id
from localcloud.cloudflare.store import Row
from localcloud.cloudflare.workers import assets, bindings, model
from localcloud.cloudflare.workers.upload import Upload, from_form

HANDLER = re.compile(r"\b(fetch|scheduled|queue|email|tail|trace)\s*(?:\(|:)")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
ECHOED = ("main_module", "body_part", "compatibility_date", "compatibility_flags", "usage_model", "limits", "placement",
          "migrations", "containers", "cache_options", "exports", "package_dependencies")  # fmt: skip
DEPLOYABLE = 10


def prepare(call: Call, script: str, upload: Upload) -> Row:
    """The row of a new version, checked against the state but not stored and without a number. Raises 400."""
    sent = upload.metadata
    worker = call.tx.get(model.KIND, call.account, script)
    former = next(iter(model.versions(call.tx, worker)), None) if worker else None
    date = sent.get("compatibility_date")
    if date is not None and not DATE.fullmatch(str(date)):
        raise bad_request(f"Invalid compatibility date '{date}': it is written YYYY-MM-DD", 10021)
    keep = sent.get("keep_bindings") or []
    strict = call.query.get("bindings_inherit") == "strict"
    bound = bindings.complete(call, sent.get("bindings"), former["bindings"] if former else [], keep, strict)
    modules = [
        {"name": file.name, "content_type": file.content_type, "blob": call.tx.blobs.put(file.content),
         "size": len(file.content)} for file in upload.files
    ]  # fmt: skip
    found = assets.resolve(call, script, sent.get("assets"), former, bool(sent.get("keep_assets")))
    mark = hashlib.sha256(repr([(one["name"], one["blob"]) for one in modules]).encode()).hexdigest()
    row: Row = {
        "id": uuid_id(),
        "number": 0,
        "created_on": now(),
        "source": model.source(call),
        "author_id": call.identity,
        "author_email": "local@localhost",
        "bindings": bound,
        "_sent_bindings": bool(sent.get("bindings")),
        "modules": modules,
        "assets": found,
        "annotations": {"workers/triggered_by": "upload", **(sent.get("annotations") or {})},
        "startup_time_ms": 1,
        "etag": mark,
        "handlers": _handlers(upload),
        "migration_tag": (sent.get("migrations") or {}).get("new_tag") or (former or {}).get("migration_tag"),
    }
    row.update({key: sent[key] for key in ECHOED if sent.get(key) is not None})
    return row


def _handlers(upload: Upload) -> list[str]:
    if not upload.files:
        return []
    return sorted({"fetch", *HANDLER.findall(upload.files[0].content.decode(errors="replace"))})


def build(call: Call, script: str, upload: Upload, store: Callable[[Row], Any]) -> Any:
    """Check an upload, have the runtime try it, then store it: ``store`` does that inside a transaction.

    The runtime is asked outside of transactions, so that the state is looked at twice.
    """
    with call.cloud.store.transaction() as call.transaction:
        candidate = assemble.version(call.tx, call.account, script, prepare(call, script, upload))
        snapshot = assemble.snapshot(call.tx, call.account)
    try:
        call.cloud.dataplane.traffic.check_version(candidate, snapshot)
    except DataPlaneError as wrong:
        raise bad_request(str(wrong), 10021) from None
    with call.cloud.store.transaction() as call.transaction:
        return store(prepare(call, script, upload))


def add(call: Call, worker: Row, row: Row) -> Row:
    """Store a prepared version under the Worker's next number."""
    own = model.edit(call, worker)
    row["number"] = own["_next"]
    own["_next"] += 1
    own["updated_on"] = row["created_on"]
    return call.tx.put(model.VERSION, worker["id"], row["id"], row)


def changed(call: Call, worker: Row, change: dict[str, Any], trigger: str) -> Row:
    """A new version that differs from the newest one in what ``change`` says, and gets all traffic.

    Raises 400 if the newest is not what is deployed: what a person sees and what they change would differ.
    """
    newest = next(iter(model.versions(call.tx, worker)), None)
    current = model.active(call.tx, worker)
    deployed = {share["version_id"] for share in current["versions"]} if current else set()
    if newest is None:
        raise model.missing_script()
    if current is None or deployed != {newest["id"]}:
        raise ApiError(400, 10215, "Edit failed: the latest version of your Worker is not the one that is deployed "
                                   "to all traffic. Deploy it first.")  # fmt: skip
    row = {**newest, **change, "id": uuid_id(), "created_on": now(), "source": model.source(call)}
    row["annotations"] = {"workers/triggered_by": trigger}
    add(call, worker, row)
    shares = [{"version_id": row["id"], "percentage": 100}]
    model.deploy(call, worker, shares, {"workers/triggered_by": trigger})
    return row


def summary(row: Row) -> dict[str, Any]:
    """A version in a list, as wrangler reads it."""
    return {
        "id": row["id"],
        "number": row["number"],
        "metadata": {
            "created_on": row["created_on"], "modified_on": row["created_on"], "source": row["source"],
            "author_id": row["author_id"], "author_email": row["author_email"], "hasPreview": False,
        },
        "annotations": row["annotations"],
    }  # fmt: skip


def detail(row: Row) -> dict[str, Any]:
    """One version, as wrangler reads it."""
    kept = ("compatibility_date", "compatibility_flags", "limits")
    runtime: dict[str, Any] = {key: row[key] for key in kept if key in row}
    runtime["usage_model"] = row.get("usage_model", "standard")
    if row.get("migration_tag"):
        runtime["migration_tag"] = row["migration_tag"]
    script = {"etag": row["etag"], "handlers": row["handlers"], "last_deployed_from": row["source"],
              "named_handlers": []}  # fmt: skip
    resources = {"script": script, "script_runtime": runtime, "bindings": bindings.shown(row["bindings"])}
    return {**summary(row), "resources": resources, "startup_time_ms": row["startup_time_ms"]}


def beta(call: Call, row: Row, include_modules: bool = False) -> dict[str, Any]:
    """One version as the newer routes show it: what was sent, and what came of it."""
    shown: dict[str, Any] = {
        "id": row["id"], "number": row["number"], "created_on": row["created_on"], "source": row["source"],
        "author_id": row["author_id"], "author_email": row["author_email"], "annotations": row["annotations"],
        "startup_time_ms": row["startup_time_ms"], "urls": [], "usage_model": "standard",
    }  # fmt: skip
    shown.update({key: row[key] for key in ECHOED if key in row})
    if row.get("migration_tag"):
        shown["migration_tag"] = row["migration_tag"]
    if row["bindings"] or row.get("_sent_bindings"):
        shown["bindings"] = bindings.shown(row["bindings"])
    if row["assets"] is not None:
        shown["assets"] = {"config": row["assets"]["config"]}
    if include_modules:
        shown["modules"] = [
            {"name": one["name"], "content_type": one["content_type"],
             "content_base64": base64.b64encode(call.tx.blobs.get(one["blob"])).decode()} for one in row["modules"]
        ]  # fmt: skip
    return shown


def listing(call: Call) -> Answer:
    rows = model.versions(call.tx, model.find(call))
    if call.query.get("deployable") == "true":
        rows = rows[:DEPLOYABLE]
    page = Page.of(call.query)
    shown = [summary(row) for row in page.cut(rows)]
    return Answer({"items": shown}, info=page.info(len(shown), len(rows)))


def get(call: Call) -> Answer:
    return Answer(detail(model.version(call, model.find(call), call.path["version"])))


def create(call: Call) -> Answer:
    upload = from_form(call)
    name = call.path["script"]

    def store(row: Row) -> Answer:
        return Answer(detail(add(call, model.find(call), row)))

    with call.cloud.store.transaction() as call.transaction:
        model.find(call)
    answer: Answer = build(call, name, upload, store)
    return answer


ROUTES = [
    Route("GET", "/accounts/{account_id}/workers/scripts/{script}/versions", listing),
    Route("POST", "/accounts/{account_id}/workers/scripts/{script}/versions", create, free=True),
    Route("GET", "/accounts/{account_id}/workers/scripts/{script}/versions/{version}", get),
]
