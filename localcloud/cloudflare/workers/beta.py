"""The newer routes: a Worker is a thing of its own, whose versions are made apart from what is deployed."""

from __future__ import annotations

from typing import Any

from localcloud.cloudflare.errors import ApiError
from localcloud.cloudflare.routing import Answer, Call, Route, now
from localcloud.cloudflare.store import Row
from localcloud.cloudflare.workers import domains, model, scripts, versions
from localcloud.cloudflare.workers.upload import from_json

OBSERVABILITY: dict[str, Any] = {
    "enabled": False,
    "head_sampling_rate": 1,
    "logs": {"enabled": False, "head_sampling_rate": 1, "invocation_logs": True, "persist": True, "destinations": []},
    "traces": {"enabled": False, "head_sampling_rate": 1, "persist": True, "destinations": []},
}
SENT = ("logpush", "observability", "subdomain", "tags", "tail_consumers", "previews_base_config")


def show(call: Call, worker: Row) -> dict[str, Any]:
    observability = worker["observability"]
    shown = {key: value for key, value in worker.items() if not key.startswith("_") and key != "usage_model"}
    shown["observability"] = _over(OBSERVABILITY, observability or {})
    shown["references"] = {
        "dispatch_namespace_outbounds": [], "durable_objects": [], "queues": [],
        "workers": [{"id": other["id"], "name": other["name"]} for other in call.tx.all(model.KIND, call.account)
                    if other["id"] != worker["id"] and scripts._binds(call, other, worker["name"])],
        "domains": [{"id": row["id"], "certificate_id": row["cert_id"], "hostname": row["hostname"],
                     "zone_id": row["zone_id"], "zone_name": row["zone_name"]}
                    for row in call.tx.all(domains.KIND, call.account) if row["service"] == worker["name"]],
    }  # fmt: skip
    return shown


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    out = {**below}
    for key, value in above.items():
        out[key] = _over(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


def _take(row: Row, sent: dict[str, Any], whole: bool) -> None:
    """Set a Worker's own settings; with ``whole``, what is not sent is reset."""
    defaults: dict[str, Any] = {
        "logpush": False, "observability": None, "tags": [], "tail_consumers": [],
        "subdomain": {"enabled": False, "previews_enabled": False},
    }  # fmt: skip
    for key in SENT:
        value = sent.get(key)
        if key == "subdomain" and value is not None:
            row[key] = {**defaults[key], **{name: bool(one) for name, one in value.items() if name in defaults[key]}}
        elif value is not None:
            row[key] = value
        elif whole and key in defaults:
            row[key] = defaults[key]


def listing(call: Call) -> Answer:
    return call.page(call.tx.all(model.KIND, call.account), lambda row: show(call, row), 10, 100)


def create(call: Call) -> Answer:
    sent = call.object()
    name = model.check_name(sent.get("name"))
    if call.tx.get(model.KIND, call.account, name) is not None:
        raise ApiError(409, 10040, f"A Worker named '{name}' already exists on your account.")
    row = model.create(call, name)
    _take(row, sent, True)
    return Answer(show(call, row))


def get(call: Call) -> Answer:
    return Answer(show(call, model.find_any(call)))


def _change(call: Call, whole: bool) -> Answer:
    worker, sent = model.find_any(call), call.object()
    row = model.edit(call, worker)
    _take(row, sent, whole)
    row["updated_on"] = now()
    name = sent.get("name") or worker["name"]
    if name != worker["name"]:
        if call.tx.get(model.KIND, call.account, model.check_name(name)) is not None:
            raise ApiError(409, 10040, f"A Worker named '{name}' already exists on your account.")
        call.tx.remove(model.KIND, call.account, worker["name"])
        row["name"] = name
        call.tx.put(model.KIND, call.account, name, row)
    return Answer(show(call, row))


def put(call: Call) -> Answer:
    return _change(call, True)


def patch(call: Call) -> Answer:
    return _change(call, False)


def delete(call: Call) -> Answer:
    call.path["script"] = model.find_any(call)["name"]
    scripts.delete(call)
    return Answer(None)


def list_versions(call: Call) -> Answer:
    rows = model.versions(call.tx, model.find_any(call))
    return call.page(rows, lambda row: versions.beta(call, row), 10, 100)


def create_version(call: Call) -> Answer:
    upload = from_json(call.object())
    with call.cloud.store.transaction() as call.transaction:
        name = model.find_any(call)["name"]

    def store(row: Row) -> Answer:
        worker = model.find_any(call)
        versions.add(call, worker, row)
        if call.query.get("deploy") == "true":
            shares = [{"version_id": row["id"], "percentage": 100}]
            model.deploy(call, worker, shares, {"workers/triggered_by": "create_version_api"})
        return Answer(versions.beta(call, row))

    answer: Answer = versions.build(call, name, upload, store)
    return answer


def get_version(call: Call) -> Answer:
    worker = model.find_any(call)
    name = call.path["version"]
    if name == "latest" and (newest := model.versions(call.tx, worker)):
        name = newest[0]["id"]
    return Answer(versions.beta(call, model.version(call, worker, name), call.query.get("include") == "modules"))


def delete_version(call: Call) -> Answer:
    worker = model.find_any(call)
    row = model.version(call, worker, call.path["version"])
    current = model.active(call.tx, worker)
    if current and row["id"] in [share["version_id"] for share in current["versions"]]:
        raise ApiError(409, 10021, f"Version {row['id']} is deployed and cannot be deleted.")
    call.tx.remove(model.VERSION, worker["id"], row["id"])
    return Answer(None)


BASE = "/accounts/{account_id}/workers/workers"
ROUTES = [
    Route("GET", BASE, listing),
    Route("POST", BASE, create),
    Route("GET", BASE + "/{worker}", get),
    Route("PUT", BASE + "/{worker}", put),
    Route("PATCH", BASE + "/{worker}", patch),
    Route("DELETE", BASE + "/{worker}", delete),
    Route("GET", BASE + "/{worker}/versions", list_versions),
    Route("POST", BASE + "/{worker}/versions", create_version, free=True),
    Route("GET", BASE + "/{worker}/versions/{version}", get_version),
    Route("DELETE", BASE + "/{worker}/versions/{version}", delete_version),
]
