"""Workers, their versions and deployments as rows, and finding them.

A ``worker`` lies in the account under its name; its versions and deployments lie in the scope of its id, which a
deleted Worker of the same name does not share.
"""

from __future__ import annotations

import re
from typing import Any

from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Call, hex_id, now, uuid_id
from localcloud.cloudflare.store import Row, Transaction

KIND = "worker"
VERSION = "worker_version"
DEPLOYMENT = "worker_deployment"
NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,62}")
SOURCES = {"wrangler": "wrangler", "terraform": "terraform", "pulumi": "terraform"}


def missing_script() -> ApiError:
    return ApiError(404, 10007, "This Worker does not exist on your account.")


def find(call: Call, name: str | None = None) -> Row:
    """The Worker of the path by name; raises 404."""
    row = call.tx.get(KIND, call.account, name or call.path["script"])
    if row is None:
        raise missing_script()
    return row


def find_any(call: Call) -> Row:
    """The Worker of the path by id or by name, as the newer routes take it; raises 404."""
    wanted = call.path["worker"]
    row = call.tx.get(KIND, call.account, wanted)
    row = row or next((one for one in call.tx.all(KIND, call.account) if one["id"] == wanted), None)
    if row is None:
        raise ApiError(404, 10007, f"Worker '{wanted}' not found")
    return row


def edit(call: Call, row: Row) -> Row:
    return call.tx.edit(KIND, call.account, row["name"])


def check_name(name: Any) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise bad_request(
            f"Invalid Worker name '{name}': at most 63 lowercase letters, digits, hyphens and underscores, "
            "not beginning with a hyphen", 10016, "/name"
        )  # fmt: skip
    return name


def create(call: Call, name: str) -> Row:
    """A new Worker without a version."""
    moment = now()
    row: Row = {
        "id": hex_id(),
        "name": check_name(name),
        "created_on": moment,
        "updated_on": moment,
        "deployed_on": None,
        "logpush": False,
        "observability": None,
        "subdomain": {"enabled": False, "previews_enabled": False},
        "tags": [],
        "tail_consumers": [],
        "usage_model": "standard",
        "_schedules": [],
        "_next": 1,
    }
    return call.tx.put(KIND, call.account, name, row)


def versions(tx: Transaction, worker: Row) -> list[Row]:
    """All versions, newest first."""
    return list(reversed(tx.all(VERSION, worker["id"])))


def version(call: Call, worker: Row, name: str) -> Row:
    row = call.tx.get(VERSION, worker["id"], name)
    if row is None:
        raise ApiError(404, 10021, f"Version {name} of Worker {worker['name']} does not exist.")
    return row


def deployments(tx: Transaction, worker: Row) -> list[Row]:
    """All deployments, newest first: the first one is in force."""
    return list(reversed(tx.all(DEPLOYMENT, worker["id"])))


def active(tx: Transaction, worker: Row) -> Row | None:
    return next(iter(deployments(tx, worker)), None)


def main_version(tx: Transaction, worker: Row) -> Row | None:
    """The version that most requests get: what the older routes, which know of no versions, mean by the script."""
    current = active(tx, worker)
    if current is None:
        return next(iter(versions(tx, worker)), None)
    largest = max(current["versions"], key=lambda share: float(share["percentage"]))
    return tx.get(VERSION, worker["id"], largest["version_id"])


def deploy(call: Call, worker: Row, shares: list[dict[str, Any]], annotations: dict[str, Any]) -> Row:
    """Send traffic to versions by per cent from now on."""
    moment = now()
    row: Row = {
        "id": uuid_id(),
        "source": source(call),
        "strategy": "percentage",
        "author_email": "local@localhost",
        "annotations": annotations,
        "versions": shares,
        "created_on": moment,
    }
    call.tx.put(DEPLOYMENT, worker["id"], row["id"], row)
    edit(call, worker).update(deployed_on=moment, updated_on=moment)
    return row


def source(call: Call) -> str:
    """What kind of program asks."""
    agent = call.headers.get("user-agent", "").lower()
    return next((name for word, name in SOURCES.items() if word in agent), "api")
