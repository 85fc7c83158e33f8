"""The older routes of Workers, in which a script is its one deployed version."""

from __future__ import annotations

import json
from typing import Any

from localcloud.cloudflare import multipart
from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Answer, Call, Raw, Route
from localcloud.cloudflare.store import Row
from localcloud.cloudflare.workers import bindings, domains, model, versions, zone_routes
from localcloud.cloudflare.workers.upload import Upload, from_form

UNVERSIONED = ("logpush", "observability", "tail_consumers", "tags")


def script(call: Call, worker: Row) -> dict[str, Any]:
    """A Worker as a script: its settings, and those of the version that most requests get."""
    current = model.main_version(call.tx, worker)
    shown: dict[str, Any] = {
        "id": worker["name"], "tag": worker["id"], "tags": worker["tags"], "created_on": worker["created_on"],
        "modified_on": worker["updated_on"], "logpush": worker["logpush"], "tail_consumers": worker["tail_consumers"],
        "usage_model": worker["usage_model"], "named_handlers": [], "handlers": [], "has_assets": False,
        "has_modules": False, "etag": None, "startup_time_ms": 0,
    }  # fmt: skip
    if worker["observability"] is not None:
        shown["observability"] = worker["observability"]
    if current is not None:
        shown.update({
            "etag": current["etag"], "handlers": current["handlers"], "startup_time_ms": current["startup_time_ms"],
            "last_deployed_from": current["source"], "has_assets": current["assets"] is not None,
            "has_modules": "main_module" in current, "usage_model": current.get("usage_model", worker["usage_model"]),
        })  # fmt: skip
        shown.update({key: current[key] for key in ("compatibility_date", "compatibility_flags") if key in current})
        if current.get("migration_tag"):
            shown["migration_tag"] = current["migration_tag"]
    return shown


def listing(call: Call) -> Answer:
    return Answer([script(call, row) for row in call.tx.all(model.KIND, call.account)])


def put(call: Call) -> Answer:
    """Upload a script: a version of it, with all traffic."""
    name = model.check_name(call.path["script"])
    upload = from_form(call)

    def store(row: Row) -> Answer:
        worker = call.tx.get(model.KIND, call.account, name) or model.create(call, name)
        own = model.edit(call, worker)
        sent = upload.metadata
        own.update(logpush=bool(sent.get("logpush")), observability=sent.get("observability"))
        own.update(tail_consumers=sent.get("tail_consumers") or [], tags=sent.get("tags") or own["tags"])
        versions.add(call, own, row)
        notes = {"workers/triggered_by": "upload"}
        model.deploy(call, own, [{"version_id": row["id"], "percentage": 100}], notes)
        shown = script(call, model.find(call))
        more = {"deployment_id": row["id"].replace("-", ""), "pipeline_hash": row["etag"], "mutable_pipeline_id": None}
        return Answer({**shown, **more, "entry_point": row.get("main_module")})

    answer: Answer = versions.build(call, name, upload, store)
    return answer


def _content(call: Call, row: Row | None) -> Raw:
    if row is None or not row["modules"]:
        raise ApiError(404, 10007, "This Worker has no script.")
    parts = [
        multipart.Part(one["name"], call.tx.blobs.get(one["blob"]), one["name"], one["content_type"])
        for one in row["modules"]
    ]
    content, kind = multipart.render(parts)
    return Raw(content, kind, headers={"cf-entrypoint": row["modules"][0]["name"], "etag": f'"{row["etag"]}"'})


def content(call: Call) -> Raw:
    return _content(call, model.main_version(call.tx, model.find(call)))


def download(call: Call) -> Raw:
    """The script's text alone, or a form if it has several modules."""
    worker = model.find(call)
    named = call.query.get("version")
    row = model.version(call, worker, named) if named else model.main_version(call.tx, worker)
    if row is not None and len(row["modules"]) == 1 and not named:
        return Raw(call.tx.blobs.get(row["modules"][0]["blob"]), "application/javascript")
    return _content(call, row)


def put_content(call: Call) -> Answer:
    """Replace the modules; bindings and settings stay."""
    upload = from_form(call)
    whole = Upload({**upload.metadata, "keep_assets": True}, upload.files)

    def store(row: Row) -> Answer:
        worker = model.find(call)
        newest = model.versions(call.tx, worker)[0]
        kept = ("modules", "etag", "handlers", "main_module", "body_part")
        change: dict[str, Any] = {key: row[key] for key in kept if key in row}
        versions.changed(call, worker, {**change, "assets": newest["assets"]}, "upload")
        return Answer(script(call, model.find(call)))

    answer: Answer = versions.build(call, call.path["script"], whole, store)
    return answer


def delete(call: Call) -> Answer:
    worker = model.find(call)
    users = [other["name"] for other in call.tx.all(model.KIND, call.account)
             if other["name"] != worker["name"] and _binds(call, other, worker["name"])]  # fmt: skip
    if users and call.query.get("force") != "true":
        text = f"Worker {worker['name']} is bound by {', '.join(users)} and cannot be deleted without force."
        raise bad_request(text, 10064)
    domains.release(call, worker["name"])
    zone_routes.release(call, worker["name"])
    for kind in (model.VERSION, model.DEPLOYMENT):
        for row in call.tx.all(kind, worker["id"]):
            call.tx.remove(kind, worker["id"], row["id"])
    call.tx.remove(model.KIND, call.account, worker["name"])
    return Answer({"id": worker["name"]})


def _binds(call: Call, other: Row, name: str) -> bool:
    current = model.main_version(call.tx, other)
    return current is not None and any(
        one["type"] == "service" and one.get("service") == name for one in current["bindings"]
    )


def settings(call: Call, worker: Row) -> dict[str, Any]:
    row = model.main_version(call.tx, worker) or {"bindings": []}
    shown: dict[str, Any] = {
        "bindings": bindings.shown(row["bindings"]), "logpush": worker["logpush"], "tags": worker["tags"],
        "tail_consumers": worker["tail_consumers"], "usage_model": row.get("usage_model", worker["usage_model"]),
    }  # fmt: skip
    kept = ("compatibility_date", "compatibility_flags", "limits", "placement", "migration_tag")
    shown.update({key: row[key] for key in kept if row.get(key)})
    if worker["observability"] is not None:
        shown["observability"] = worker["observability"]
    return shown


def get_settings(call: Call) -> Answer:
    return Answer(settings(call, model.find(call)))


def _sent_settings(call: Call) -> dict[str, Any]:
    if not call.content_type.lower().startswith("multipart/"):
        return call.object()
    part = next((part for part in call.form() if part.name == "settings"), None)
    try:
        found = json.loads(part.content) if part else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise bad_request("the form needs a part 'settings' that is a JSON object", 10021)
    return found


def patch_settings(call: Call) -> Answer:
    worker, sent = model.find(call), _sent_settings(call)
    _edit_unversioned(call, worker, sent)
    row = model.main_version(call.tx, worker)
    kept = ("compatibility_date", "compatibility_flags", "limits", "placement", "usage_model")
    change: dict[str, Any] = {key: sent[key] for key in kept if key in sent}
    if "bindings" in sent and row is not None:
        change["bindings"] = bindings.complete(call, sent["bindings"], row["bindings"], [], True)
    if change:
        versions.changed(call, model.find(call), change, "settings")
    return Answer(settings(call, model.find(call)))


def _edit_unversioned(call: Call, worker: Row, sent: dict[str, Any]) -> None:
    change = {key: sent[key] for key in UNVERSIONED if key in sent}
    if change:
        for name in ("tags", "tail_consumers"):
            if name in change:
                change[name] = change[name] or []
        model.edit(call, worker).update(change)


def _script_settings(worker: Row) -> dict[str, Any]:
    return {key: worker[key] for key in UNVERSIONED if worker[key] is not None}


def get_script_settings(call: Call) -> Answer:
    return Answer(_script_settings(model.find(call)))


def patch_script_settings(call: Call) -> Answer:
    _edit_unversioned(call, model.find(call), call.object())
    return Answer(_script_settings(model.find(call)))


def service(call: Call) -> Answer:
    worker = call.tx.get(model.KIND, call.account, call.path["script"])
    if worker is None:
        raise ApiError(404, 10090, "This Worker does not exist on your account.")
    dates = {"created_on": worker["created_on"], "modified_on": worker["updated_on"]}
    environment = {"environment": "production", "script": script(call, worker), "script_tag": worker["id"], **dates}
    return Answer({
        "id": worker["name"], "default_environment": environment, "environments": [environment],
        "usage_model": worker["usage_model"], **dates,
    })  # fmt: skip


BASE = "/accounts/{account_id}/workers/scripts"
ROUTES = [
    Route("GET", BASE, listing),
    Route("GET", BASE + "/{script}", download),
    Route("PUT", BASE + "/{script}", put, free=True),
    Route("DELETE", BASE + "/{script}", delete),
    Route("GET", BASE + "/{script}/content/v2", content),
    Route("PUT", BASE + "/{script}/content", put_content, free=True),
    Route("GET", BASE + "/{script}/settings", get_settings),
    Route("PATCH", BASE + "/{script}/settings", patch_settings),
    Route("GET", BASE + "/{script}/script-settings", get_script_settings),
    Route("PATCH", BASE + "/{script}/script-settings", patch_script_settings),
    Route("GET", "/accounts/{account_id}/workers/services/{script}", service),
    Route("DELETE", "/accounts/{account_id}/workers/services/{script}", delete),
]
