"""Deployments: how a Worker's traffic is split. The newest is in force; older ones stay readable."""

from __future__ import annotations

from typing import Any

from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Answer, Call, Route
from localcloud.cloudflare.workers import model

MAX_VERSIONS = 2
TOLERANCE = 0.01


def listing(call: Call) -> Answer:
    return Answer({"deployments": model.deployments(call.tx, model.find(call))})


def get(call: Call) -> Answer:
    row = call.tx.get(model.DEPLOYMENT, model.find(call)["id"], call.path["deployment"])
    if row is None:
        raise ApiError(404, 10021, f"Deployment {call.path['deployment']} does not exist.")
    return Answer(row)


def create(call: Call) -> Answer:
    worker, sent = model.find(call), call.object()
    if sent.get("strategy") != "percentage":
        raise bad_request("strategy must be 'percentage'", 10021, "/strategy")
    shares = _shares(call, worker, sent.get("versions"))
    notes = {"workers/triggered_by": "deployment", **(sent.get("annotations") or {})}
    return Answer(model.deploy(call, worker, shares, notes))


def _shares(call: Call, worker: dict[str, Any], sent: Any) -> list[dict[str, Any]]:
    if not isinstance(sent, list) or not sent or not all(isinstance(one, dict) for one in sent):
        raise bad_request("versions must be a list of at least one version", 10021, "/versions")
    if len(sent) > MAX_VERSIONS:
        raise bad_request(f"A deployment may have at most {MAX_VERSIONS} versions, not {len(sent)}.", 10021)
    shares = []
    for index, one in enumerate(sent):
        version, percentage = one.get("version_id"), one.get("percentage")
        if isinstance(percentage, bool) or not isinstance(percentage, int | float) or not 0 <= percentage <= 100:
            raise bad_request("percentage must be from 0 to 100", 10021, f"/versions/{index}/percentage")
        if call.tx.get(model.VERSION, worker["id"], str(version)) is None:
            text = f"Version {version} of Worker {worker['name']} does not exist."
            raise bad_request(text, 10021, f"/versions/{index}/version_id")
        shares.append({"version_id": version, "percentage": percentage})
    if len({one["version_id"] for one in shares}) != len(shares):
        raise bad_request("A version may be in a deployment only once.", 10021, "/versions")
    total = sum(one["percentage"] for one in shares)
    if abs(total - 100) > TOLERANCE:
        raise bad_request(f"The versions' percentages must add up to 100, not {total:g}.", 10021, "/versions")
    return shares


def delete(call: Call) -> Answer:
    worker = model.find(call)
    rows = model.deployments(call.tx, worker)
    if call.path["deployment"] not in [row["id"] for row in rows]:
        raise ApiError(404, 10021, f"Deployment {call.path['deployment']} does not exist.")
    if rows[0]["id"] == call.path["deployment"]:
        raise bad_request("The deployment that is in force cannot be deleted.", 10021)
    call.tx.remove(model.DEPLOYMENT, worker["id"], call.path["deployment"])
    return Answer(None)


BASE = "/accounts/{account_id}/workers/scripts/{script}/deployments"
ROUTES = [
    Route("GET", BASE, listing),
    Route("POST", BASE, create),
    Route("GET", BASE + "/{deployment}", get),
    Route("DELETE", BASE + "/{deployment}", delete),
]
