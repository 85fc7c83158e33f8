"""API tokens of the account and of the user: the same thing under two addresses. A value is shown once."""

from __future__ import annotations

import re
import secrets
from typing import Any

from localcloud.cloudflare import permissions
from localcloud.cloudflare.accounts.groups import GROUPS, NAMES
from localcloud.cloudflare.collection import Collection
from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Answer, Body, Call, Route, hex_id, public
from localcloud.cloudflare.store import Row

KIND = "token"
LENGTH = 30
RESOURCE = re.compile(r"com\.cloudflare\.[a-z0-9.]+\.[A-Za-z0-9_*-]+")


class Token(Body):
    name: str
    policies: list[dict[str, Any]]


def new_value() -> str:
    """40 characters, as a real token has."""
    return secrets.token_urlsafe(LENGTH)


def _prepare(call: Call, row: Row, former: Row | None) -> None:
    if not row["policies"]:
        raise bad_request("A token needs at least one policy", 1001, "/policies")
    before = {policy["id"] for policy in former["policies"]} if former else set()
    row["policies"] = [_policy(one, f"/policies/{index}", before) for index, one in enumerate(row["policies"])]
    if row.get("status", "active") not in ("active", "disabled", "expired"):
        raise bad_request("status must be active or disabled", 1001, "/status")
    row.setdefault("status", "active")
    if former is None:
        row["_value"] = new_value()
        row["_digest"] = permissions.digest(row["_value"])
    row.setdefault("last_used_on", None)


def _policy(sent: dict[str, Any], pointer: str, before: set[str]) -> Row:
    if sent.get("effect") not in ("allow", "deny"):
        raise bad_request("effect must be allow or deny", 1001, f"{pointer}/effect")
    groups = sent.get("permission_groups")
    if not isinstance(groups, list) or not groups:
        raise bad_request("a policy needs permission groups", 1001, f"{pointer}/permission_groups")
    found = []
    for index, group in enumerate(groups):
        name = NAMES.get(str(group.get("id"))) if isinstance(group, dict) else None
        if name is None:
            text = f"Permission group '{group.get('id') if isinstance(group, dict) else group}' does not exist"
            raise bad_request(text, 1001, f"{pointer}/permission_groups/{index}")
        found.append({"id": group["id"], "name": name})
    resources = sent.get("resources")
    if not isinstance(resources, dict) or not resources:
        raise bad_request("a policy needs resources", 1001, f"{pointer}/resources")
    for name in resources:
        if not RESOURCE.fullmatch(name):
            raise bad_request(f"'{name}' is not the name of a resource", 1001, f"{pointer}/resources")
    number = sent.get("id") if sent.get("id") in before else hex_id()
    return {"id": number, "effect": sent["effect"], "resources": resources, "permission_groups": found}


def _show(call: Call, row: Row) -> dict[str, Any]:
    return {key: value for key, value in public(row).items() if value is not None or key == "last_used_on"}


def _shown_once(call: Call, row: Row) -> dict[str, Any]:
    # From now on only its digest is known.
    value = row.pop("_value")
    return {**_show(call, row), "value": value}


def _collection(path: str) -> Collection:
    return Collection(
        path=path, kind=KIND, model=Token, missing=(1003, "API token not found"), invalid=1001, created="issued_on",
        prepare=_prepare, show=_show, shown_once=_shown_once,
    )  # fmt: skip


def roll(call: Call) -> Answer:
    row = COLLECTIONS[0].find(call)
    value = new_value()
    call.tx.edit(KIND, call.account, row["id"])["_digest"] = permissions.digest(value)
    return Answer(value)


def verify(call: Call) -> Answer:
    if call.identity == permissions.owner_id(call.cloud):
        found = {"id": call.identity, "status": "active"}
    else:
        row = call.tx.get(KIND, call.account, call.identity)
        if row is None:
            raise ApiError(401, 1000, "Invalid API Token")
        found = {key: row[key] for key in ("id", "status", "not_before", "expires_on") if row.get(key)}
    return Answer(found, messages=("This API Token is valid and active",))


def permission_groups(call: Call) -> Answer:
    rows = GROUPS
    if "name" in call.query:
        rows = [row for row in rows if call.query["name"].lower() in str(row["name"]).lower()]
    if "scope" in call.query:
        rows = [row for row in rows if call.query["scope"] in row["scopes"]]  # type: ignore[operator]
    # Clients that page get all in the first page, and an empty second one.
    return Answer(rows if call.query.get("page", "1") == "1" else [])


COLLECTIONS = [_collection("/accounts/{account_id}/tokens"), _collection("/user/tokens")]
ROUTES = [
    route
    for one in COLLECTIONS
    for route in (
        *one.routes(),
        Route("PUT", one.path + "/{id}/value", roll),
        Route("GET", one.path + "/verify", verify),
        Route("GET", one.path + "/permission_groups", permission_groups),
    )
]
