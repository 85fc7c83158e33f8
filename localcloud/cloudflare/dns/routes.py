"""Routes of DNS records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localcloud.cloudflare.dns import records
from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Answer, Call, Raw, Route, hex_id, now, public
from localcloud.cloudflare.store import Row, Transaction

KIND = "dns_record"
LIMIT = 3500
TESTS: dict[str, Callable[[str, str], bool]] = {
    "exact": lambda have, want: have == want,
    "contains": lambda have, want: want in have,
    "startswith": lambda have, want: have.startswith(want),
    "endswith": lambda have, want: have.endswith(want),
    "present": lambda have, want: bool(have),
    "absent": lambda have, want: not have,
}


def visible(tx: Transaction, zone_id: str) -> list[Row]:
    return tx.all(KIND, zone_id)


def add(tx: Transaction, zone: Row, sent: dict[str, Any], meta: dict[str, Any] | None = None) -> Row:
    """Make a record. With ``meta`` it belongs to another product (a Worker's domain, a bucket's), and is read-only."""
    row = records.complete(sent, zone["name"])
    others = tx.all(KIND, zone["id"])
    records.check_among(row, others)
    if len(others) >= LIMIT:
        raise ApiError(400, 81045, "The record quota has been exceeded.")
    moment = now()
    row = {"id": hex_id(), **row, "created_on": moment, "modified_on": moment}
    if meta is not None:
        row["meta"] = meta
    return tx.put(KIND, zone["id"], row["id"], row)


def drop(tx: Transaction, zone_id: str, name: str) -> None:
    """Remove a record that belongs to another product, if it is still there."""
    if tx.get(KIND, zone_id, name) is not None:
        tx.remove(KIND, zone_id, name)


def named(tx: Transaction, zone_id: str, host: str) -> list[Row]:
    """The records of a host name that answer web requests."""
    return [row for row in tx.all(KIND, zone_id) if row["name"] == host and row["type"] in records.PROXIABLE]


def _find(call: Call, name: str | None = None) -> Row:
    row = call.tx.get(KIND, call.zone["id"], name or call.path["id"])
    if row is None:
        raise ApiError(404, 81044, "Record does not exist.")
    return row


def _writable(row: Row) -> None:
    if row["meta"].get("read_only"):
        owner = "a Workers custom domain" if row["meta"].get("origin_worker_id") else "an R2 custom domain"
        raise bad_request(f"This record is managed by {owner} and cannot be changed here.", 1043)


def _replace(call: Call, former: Row, sent: dict[str, Any]) -> Row:
    _writable(former)
    zone = call.zone
    row = records.complete(sent, zone["name"])
    if row["type"] != former["type"] and not (row["proxiable"] and former["proxiable"]):
        raise bad_request("The type of a record cannot be changed to this one.", 9004, "/type")
    records.check_among(row, [one for one in call.tx.all(KIND, zone["id"]) if one["id"] != former["id"]])
    row = {"id": former["id"], **row, "created_on": former["created_on"], "modified_on": now()}
    return call.tx.put(KIND, zone["id"], row["id"], row)


def listing(call: Call) -> Answer:
    rows = visible(call.tx, call.zone["id"])
    tests = list(_filters(call.query))
    either = call.query.get("match") == "any"
    if tests:
        rows = [row for row in rows if (any if either else all)(test(row) for test in tests)]
    if "search" in call.query:
        text = call.query["search"].lower()
        rows = [row for row in rows if any(text in str(row[key]).lower() for key in ("name", "content", "type"))]
    order = call.query.get("order")
    if order:
        if order not in ("type", "name", "content", "ttl", "proxied"):
            raise bad_request(f"Invalid order {order}", 9020)
        rows = sorted(rows, key=lambda row: row[order])
    if call.query.get("direction") == "desc":
        rows = list(reversed(rows))
    return call.page(rows, public, 100, 5_000_000)


def _filters(query: dict[str, str]) -> list[Callable[[Row], bool]]:
    found: list[Callable[[Row], bool]] = []
    for name, wanted in query.items():
        member, _, mode = name.partition(".")
        if member not in ("name", "content", "comment", "type", "proxied") or (mode or "exact") not in TESTS:
            continue
        test = TESTS[mode or "exact"]

        def fits(row: Row, member: str = member, wanted: str = wanted, test: Callable[[str, str], bool] = test) -> bool:
            value = row[member]
            have = str(value).lower() if isinstance(value, bool) else str(value or "")
            return test(have.lower(), wanted.lower())

        found.append(fits)
    return found


def create(call: Call) -> Answer:
    return Answer(public(add(call.tx, call.zone, call.object())))


def get(call: Call) -> Answer:
    return Answer(public(_find(call)))


def put(call: Call) -> Answer:
    return Answer(public(_replace(call, _find(call), call.object())))


def patch(call: Call) -> Answer:
    former = _find(call)
    return Answer(public(_replace(call, former, {**former, **call.object()})))


def delete(call: Call) -> Answer:
    row = _find(call)
    _writable(row)
    call.tx.remove(KIND, call.zone["id"], row["id"])
    return Answer({"id": row["id"]})


def batch(call: Call) -> Answer:
    """Deletes, then patches, puts and posts, all of them or none."""
    sent = call.object()
    done: dict[str, list[Row]] = {"deletes": [], "patches": [], "puts": [], "posts": []}
    for one in sent.get("deletes") or []:
        row = _find(call, str(one.get("id")))
        _writable(row)
        call.tx.remove(KIND, call.zone["id"], row["id"])
        done["deletes"].append(public(row))
    for one in sent.get("patches") or []:
        former = _find(call, str(one.get("id")))
        done["patches"].append(public(_replace(call, former, {**former, **one})))
    for one in sent.get("puts") or []:
        done["puts"].append(public(_replace(call, _find(call, str(one.get("id"))), one)))
    for one in sent.get("posts") or []:
        done["posts"].append(public(add(call.tx, call.zone, one)))
    return Answer(done)


def export(call: Call) -> Raw:
    """The zone as a BIND file."""
    lines = [f"$ORIGIN {call.zone['name']}."]
    for row in visible(call.tx, call.zone["id"]):
        priority = f"{row['priority']} " if "priority" in row else ""
        dot = "." if row["type"] in ("CNAME", "MX", "NS", "PTR") else ""
        lines.append(f"{row['name']}.\t{row['ttl']}\tIN\t{row['type']}\t{priority}{row['content']}{dot}")
    return Raw(("\n".join(lines) + "\n").encode(), "text/plain")


ROUTES = [
    Route("GET", "/zones/{zone_id}/dns_records", listing),
    Route("POST", "/zones/{zone_id}/dns_records", create),
    Route("POST", "/zones/{zone_id}/dns_records/batch", batch),
    Route("GET", "/zones/{zone_id}/dns_records/export", export),
    Route("GET", "/zones/{zone_id}/dns_records/{id}", get),
    Route("PUT", "/zones/{zone_id}/dns_records/{id}", put),
    Route("PATCH", "/zones/{zone_id}/dns_records/{id}", patch),
    Route("DELETE", "/zones/{zone_id}/dns_records/{id}", delete),
]
