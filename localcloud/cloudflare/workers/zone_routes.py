"""Routes: patterns of a zone that a Worker runs in front of."""

from __future__ import annotations

import re
from typing import Any

from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Answer, Call, Route, hex_id
from localcloud.cloudflare.store import Row
from localcloud.cloudflare.workers import model
from localcloud.cloudflare.zones.routes import by_name, of_host

KIND = "worker_route"
PATTERN = re.compile(r"(?:https?://|\*://)?(\*?[A-Za-z0-9.*-]*)(/[^?#]*)?")


def _check(call: Call, zone: Row, sent: dict[str, Any], but: str | None = None) -> tuple[str, str | None]:
    """The pattern and the script of a route; raises 400, 404 and 409."""
    pattern, script = sent.get("pattern"), sent.get("script") or None
    found = PATTERN.fullmatch(pattern) if isinstance(pattern, str) and pattern else None
    path = (found.group(2) or "") if found else ""
    if found is None or "*" in path[:-1] or "*" in found.group(1)[1:]:
        text = "a pattern is a host name, which may begin with *, and a path, which may end with *"
        raise bad_request(f"Invalid route pattern '{pattern}': {text}", 10022, "/pattern")
    host = found.group(1).lstrip("*").lstrip(".").lower()
    if host != zone["name"] and not host.endswith(f".{zone['name']}"):
        raise bad_request(f"Invalid URL pattern '{pattern}': it is not in zone {zone['name']}", 10022, "/pattern")
    if script is not None and call.tx.get(model.KIND, call.account, script) is None:
        raise ApiError(404, 10007, f"Worker {script} does not exist on your account.")
    for row in call.tx.all(KIND, zone["id"]):
        if row["pattern"] == pattern and row["id"] != but:
            raise ApiError(409, 10020, "A route with the same pattern already exists.")
    return str(pattern), script


def _shown(row: Row) -> Row:
    return {key: value for key, value in row.items() if value is not None}


def _find(call: Call) -> Row:
    row = call.tx.get(KIND, call.zone["id"], call.path["id"])
    if row is None:
        raise ApiError(404, 10009, "The route does not exist.")
    return row


def listing(call: Call) -> Answer:
    return Answer([_shown(row) for row in call.tx.all(KIND, call.zone["id"])])


def create(call: Call) -> Answer:
    zone = call.zone
    pattern, script = _check(call, zone, call.object())
    row: Row = {"id": hex_id(), "pattern": pattern, "script": script}
    return Answer(_shown(call.tx.put(KIND, zone["id"], row["id"], row)))


def get(call: Call) -> Answer:
    return Answer(_shown(_find(call)))


def put(call: Call) -> Answer:
    row = _find(call)
    pattern, script = _check(call, call.zone, call.object(), row["id"])
    changed = call.tx.edit(KIND, call.zone["id"], row["id"])
    changed.update(pattern=pattern, script=script)
    return Answer(_shown(changed))


def delete(call: Call) -> Answer:
    row = _find(call)
    call.tx.remove(KIND, call.zone["id"], row["id"])
    return Answer({"id": row["id"]})


def put_script(call: Call) -> Answer:
    """wrangler: routes of a script in whatever zones; others of that script go."""
    worker, sent = model.find(call), call.json()
    if not isinstance(sent, list) or not all(isinstance(one, dict) for one in sent):
        raise bad_request("the body must be a list of routes", 10021)
    release(call, worker["name"])
    made = []
    for one in sent:
        zone = _zone_of(call, one)
        known = [row for row in call.tx.all(KIND, zone["id"]) if row["pattern"] == one.get("pattern")]
        if known and known[0]["script"] not in (None, worker["name"]):
            text = f'Can\'t deploy routes that are assigned to another worker: "{known[0]["script"]}" has this one.'
            raise ApiError(409, 10020, text)
        for row in known:
            call.tx.remove(KIND, zone["id"], row["id"])
        pattern, script = _check(call, zone, {"pattern": one.get("pattern"), "script": worker["name"]})
        new: Row = {"id": hex_id(), "pattern": pattern, "script": script}
        made.append(call.tx.put(KIND, zone["id"], new["id"], new))
    return Answer(made)


def _zone_of(call: Call, one: dict[str, Any]) -> Row:
    if one.get("zone_id"):
        zone = call.tx.get("zone", call.account, one["zone_id"])
    elif one.get("zone_name"):
        zone = by_name(call.tx, call.account, one["zone_name"])
    else:
        host = re.sub(r"^.*://", "", str(one.get("pattern"))).split("/")[0].lstrip("*").lstrip(".")
        zone = of_host(call.tx, call.account, host.lower())
    if zone is None:
        raise ApiError(404, 10022, f"Could not find a zone for route '{one.get('pattern')}' on your account.")
    return zone


def release(call: Call, script: str) -> None:
    """Remove all routes to a Worker."""
    for zone, row in call.tx.everywhere(KIND):
        if row["script"] == script:
            call.tx.remove(KIND, zone, row["id"])


ROUTES = [
    Route("GET", "/zones/{zone_id}/workers/routes", listing),
    Route("POST", "/zones/{zone_id}/workers/routes", create),
    Route("GET", "/zones/{zone_id}/workers/routes/{id}", get),
    Route("PUT", "/zones/{zone_id}/workers/routes/{id}", put),
    Route("DELETE", "/zones/{zone_id}/workers/routes/{id}", delete),
    Route("PUT", "/accounts/{account_id}/workers/scripts/{script}/routes", put_script),
]
