"""Zones. They are made when the cloud starts (``--zone``) or through the API; both look the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Answer, Body, Call, Route, now, public, uuid_id
from localcloud.cloudflare.store import Row, Transaction

KIND = "zone"
MAX_PURGES = 50
NAME = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
PLAN = {
    "id": "94f3b7b768b0458b56d2cac4fe5ec0f9", "name": "Business Website", "price": 0, "currency": "USD",
    "frequency": "monthly", "is_subscribed": True, "can_subscribe": True, "legacy_id": "business",
    "legacy_discount": False, "externally_managed": False,
}  # fmt: skip
TESTS: dict[str, Callable[[str, str], bool]] = {
    "equal": lambda have, want: have == want,
    "not_equal": lambda have, want: have != want,
    "starts_with": lambda have, want: have.startswith(want),
    "ends_with": lambda have, want: have.endswith(want),
    "contains": lambda have, want: want in have,
}
PERMISSIONS = ["#dns_records:edit", "#dns_records:read", "#zone:edit", "#zone:read", "#zone_settings:edit",
               "#zone_settings:read", "#worker:edit", "#worker:read"]  # fmt: skip


class CreateZone(Body):
    name: str
    account: dict[str, Any] | None = None
    type: str = "full"


class EditZone(Body):
    paused: bool | None = None
    type: str | None = None
    vanity_name_servers: list[str] | None = None


def ensure(tx: Transaction, account: str, name: str, kind: str = "full") -> Row:
    """The zone of this name, made if there is none. Its id follows from its name."""
    name = name.lower().rstrip(".")
    found = by_name(tx, account, name)
    if found is not None:
        return found
    if not NAME.fullmatch(name):
        raise bad_request(f"{name} is not a valid domain name", 1099)
    moment = now()
    row: Row = {
        "id": hashlib.sha256(f"zone {account} {name}".encode()).hexdigest()[:32],
        "name": name,
        "status": "active",
        "paused": False,
        "type": kind,
        "development_mode": 0,
        "name_servers": ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"],
        "original_name_servers": None,
        "original_registrar": None,
        "original_dnshost": None,
        "modified_on": moment,
        "created_on": moment,
        "activated_on": moment,
        "meta": {
            "step": 2, "custom_certificate_quota": 1, "page_rule_quota": 50, "phishing_detected": False,
            "cdn_only": False, "dns_only": False, "foundation_dns": False,
        },
        "owner": {"id": None, "type": "user", "email": None, "name": None},
        "account": {"id": account, "name": "Local"},
        "tenant": {"id": None, "name": None},
        "tenant_unit": {"id": None},
        "permissions": PERMISSIONS,
        "plan": PLAN,
    }  # fmt: skip
    return tx.put(KIND, account, row["id"], row)


def by_name(tx: Transaction, account: str, name: str) -> Row | None:
    return next((row for row in tx.all(KIND, account) if row["name"] == name), None)


def of_host(tx: Transaction, account: str, host: str) -> Row | None:
    """The zone that a host name lies in; the longest name wins."""
    found = [row for row in tx.all(KIND, account) if host == row["name"] or host.endswith(f".{row['name']}")]
    return max(found, key=lambda row: len(row["name"]), default=None)


def listing(call: Call) -> Answer:
    rows = call.tx.all(KIND, call.account)
    wanted = call.query.get("name")
    if wanted is not None:
        mode, _, text = wanted.partition(":") if ":" in wanted else ("equal", "", wanted)
        if mode not in TESTS:
            raise bad_request(f"Invalid filter '{mode}' for name", 1002)
        rows = [row for row in rows if TESTS[mode](row["name"], text.lower())]
    if "status" in call.query:
        rows = [row for row in rows if row["status"] == call.query["status"]]
    if call.query.get("account.id", call.account) != call.account:
        rows = []
    if "account.name" in call.query:
        rows = [row for row in rows if row["account"]["name"] == call.query["account.name"]]
    rows = sorted(rows, key=lambda row: str(row.get(call.query.get("order", "name"), "")))
    if call.query.get("direction") == "desc":
        rows.reverse()
    return call.page(rows, public, most=50)


def create(call: Call) -> Answer:
    body = call.body(CreateZone, 1002)
    account = (body.account or {}).get("id", call.account)
    if account != call.account:
        raise ApiError(403, 1068, "Permission denied: there is no such account")
    if by_name(call.tx, call.account, body.name.lower()) is not None:
        raise bad_request(f"{body.name} already exists", 1061)
    return Answer(public(ensure(call.tx, call.account, body.name, body.type)))


def get(call: Call) -> Answer:
    return Answer(public(call.zone))


def edit(call: Call) -> Answer:
    body = call.body(EditZone, 1002)
    row = call.tx.edit(KIND, call.account, call.zone["id"])
    row.update(body.model_dump(exclude_none=True, include=set(EditZone.model_fields)), modified_on=now())
    return Answer(public(row))


def delete(call: Call) -> Answer:
    zone = call.zone
    call.tx.remove(KIND, call.account, zone["id"])
    for kind in ("zone_setting", "dns_record", "ruleset", "worker_route", "healthcheck", "purge"):
        for row in call.tx.all(kind, zone["id"]):
            call.tx.remove(kind, zone["id"], row["id"])
    return Answer({"id": zone["id"]})


def purge(call: Call) -> Answer:
    """The edge does it as it learns of this row; the last ones stay for an edge that is a step behind."""
    zone = call.zone
    sent = call.object()
    if not sent.get("purge_everything") and not any(sent.get(key) for key in ("files", "tags", "hosts", "prefixes")):
        raise bad_request("Request must contain one of purge_everything, files, tags, hosts or prefixes", 1094)
    for former in call.tx.all("purge", zone["id"])[: -MAX_PURGES + 1]:
        call.tx.remove("purge", zone["id"], former["id"])
    name = uuid_id()
    call.tx.put("purge", zone["id"], name, {"id": name, "at": now(), "what": sent})
    return Answer({"id": zone["id"]})


ROUTES = [
    Route("GET", "/zones", listing),
    Route("POST", "/zones", create),
    Route("GET", "/zones/{zone_id}", get),
    Route("PATCH", "/zones/{zone_id}", edit),
    Route("DELETE", "/zones/{zone_id}", delete),
    Route("POST", "/zones/{zone_id}/purge_cache", purge),
]
