"""What belongs to a Worker beside its versions: secrets, schedules, its place on workers.dev."""

from __future__ import annotations

import re
from typing import Any

from localcloud.cloudflare.edge import cron as crons
from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Answer, Call, Route, now
from localcloud.cloudflare.store import Row
from localcloud.cloudflare.workers import bindings, model, versions

MAX_SCHEDULES = 250


def _bound(call: Call, worker: Row) -> list[Row]:
    row = model.main_version(call.tx, worker)
    return list(row["bindings"]) if row else []


def list_secrets(call: Call) -> Answer:
    found = [one for one in _bound(call, model.find(call)) if one["type"] in bindings.SECRETS]
    return Answer([{"name": one["name"], "type": one["type"]} for one in found])


def put_secret(call: Call) -> Answer:
    worker, sent = model.find(call), call.object()
    name, text = sent.get("name"), sent.get("text")
    if not isinstance(name, str) or not name or not isinstance(text, str):
        raise bad_request("a secret needs a name and a text", 10021)
    one = {"name": name, "type": "secret_text", "text": text}
    others = [other for other in _bound(call, worker) if other["name"] != name]
    if any(other["name"] == name and other["type"] not in bindings.SECRETS for other in _bound(call, worker)):
        raise bad_request(f"Binding name '{name}' already in use. Please use a different name and try again.", 10053)
    change = {"bindings": sorted([*others, one], key=lambda other: str(other["name"]))}
    versions.changed(call, worker, change, "secret")
    return Answer({"name": name, "type": "secret_text"})


def get_secret(call: Call) -> Answer:
    for one in _bound(call, model.find(call)):
        if one["name"] == call.path["name"] and one["type"] in bindings.SECRETS:
            return Answer({"name": one["name"], "type": one["type"]})
    raise ApiError(404, 10056, f"Binding '{call.path['name']}' not found.")


def delete_secret(call: Call) -> Answer:
    get_secret(call)
    worker = model.find(call)
    rest = [one for one in _bound(call, worker) if one["name"] != call.path["name"]]
    versions.changed(call, worker, {"bindings": rest}, "secret")
    return Answer(None)


def get_schedules(call: Call) -> Answer:
    return Answer({"schedules": model.find(call)["_schedules"]})


def put_schedules(call: Call) -> Answer:
    worker, sent = model.find(call), call.json()
    if not isinstance(sent, list) or len(sent) > MAX_SCHEDULES:
        raise bad_request(f"the body must be a list of at most {MAX_SCHEDULES} schedules", 10021)
    before = {one["cron"]: one for one in worker["_schedules"]}
    found: list[Row] = []
    moment = now()
    for one in sent:
        cron = one.get("cron") if isinstance(one, dict) else None
        try:
            crons.parse(str(cron))
        except crons.CronError as wrong:
            raise bad_request(f"invalid cron string: {cron}: {wrong}", 10100) from None
        created = before[cron]["created_on"] if cron in before else moment
        found.append({"cron": cron, "created_on": created, "modified_on": moment})
    model.edit(call, worker)["_schedules"] = found
    return Answer({"schedules": found})


def get_place(call: Call) -> Answer:
    return Answer(model.find(call)["subdomain"])


def post_place(call: Call) -> Answer:
    sent = call.object()
    if not isinstance(sent.get("enabled"), bool):
        raise bad_request("enabled must be true or false", 10021, "/enabled")
    found = model.edit(call, model.find(call))
    previews = sent.get("previews_enabled", found["subdomain"]["previews_enabled"])
    found["subdomain"] = {"enabled": sent["enabled"], "previews_enabled": bool(previews)}
    return Answer(found["subdomain"])


def delete_place(call: Call) -> Answer:
    found = model.edit(call, model.find(call))
    found["subdomain"] = {"enabled": False, "previews_enabled": False}
    return Answer(found["subdomain"])


def account_name(tx: Any) -> str:
    """The account's part of names on workers.dev."""
    return str(tx.get_meta("workers_subdomain", "local"))


def get_subdomain(call: Call) -> Answer:
    return Answer({"subdomain": account_name(call.tx)})


def put_subdomain(call: Call) -> Answer:
    name = call.object().get("subdomain")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", name):
        raise bad_request("subdomain must be a valid host name label", 10032, "/subdomain")
    call.tx.set_meta("workers_subdomain", name)
    return Answer({"subdomain": name})


def account_settings(call: Call) -> Answer:
    return Answer({"default_usage_model": "standard", "green_compute": False})


def tail(call: Call) -> Answer:
    """Live logs, which are not served here: what Workers write is in a file."""
    model.find(call)
    path = call.cloud.store.folder / "edge" / "workerd.log"
    raise ApiError(501, 10013, f"Tailing a Worker is not there in the embedded cloud; Workers' logs are in {path}.")


BASE = "/accounts/{account_id}/workers"
SCRIPT = BASE + "/scripts/{script}"
ROUTES = [
    Route("GET", SCRIPT + "/secrets", list_secrets),
    Route("PUT", SCRIPT + "/secrets", put_secret),
    Route("GET", SCRIPT + "/secrets/{name}", get_secret),
    Route("DELETE", SCRIPT + "/secrets/{name}", delete_secret),
    Route("GET", SCRIPT + "/schedules", get_schedules),
    Route("PUT", SCRIPT + "/schedules", put_schedules),
    Route("GET", SCRIPT + "/subdomain", get_place),
    Route("POST", SCRIPT + "/subdomain", post_place),
    Route("DELETE", SCRIPT + "/subdomain", delete_place),
    Route("POST", SCRIPT + "/tails", tail),
    Route("GET", BASE + "/subdomain", get_subdomain),
    Route("PUT", BASE + "/subdomain", put_subdomain),
    Route("GET", BASE + "/account-settings", account_settings),
]
