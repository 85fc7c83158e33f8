"""Custom domains: host names whose origin is a Worker. Each has a DNS record of its own, which is read-only."""

from __future__ import annotations

import hashlib
from typing import Any

from localcloud.cloudflare.dns import routes as dns
from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Answer, Call, Route, public, uuid_id
from localcloud.cloudflare.store import Row
from localcloud.cloudflare.workers import model
from localcloud.cloudflare.zones.routes import by_name, of_host

KIND = "worker_domain"
ADDRESS = "100::"
"""The discard prefix: such a record is only ever answered for by the edge."""


def attach(call: Call, hostname: str, service: str, sent: dict[str, Any]) -> Row:
    """Give a host name to a Worker. Raises 404 without the Worker or the zone, and 409 if the name is taken."""
    hostname = hostname.lower()
    if "*" in hostname:
        text = f"Hostname '{hostname}' has a wildcard, which a custom domain may not have; use a route."
        raise bad_request(text, 100114, "/hostname")
    worker = call.tx.get(model.KIND, call.account, service)
    if worker is None:
        raise ApiError(404, 10007, f"Worker {service} does not exist on your account.")
    zone = _zone(call, hostname, sent)
    known = next((row for row in call.tx.all(KIND, call.account) if row["hostname"] == hostname), None)
    if known is not None:
        if known["service"] != service and not sent.get("override_existing_origin"):
            text = f"Hostname '{hostname}' is already in use by Worker '{known['service']}'."
            hint = "Use the option 'override_existing_origin' to take it over."
            raise ApiError(409, 100116, f"{text} {hint}")
        row = call.tx.edit(KIND, call.account, known["id"])
        row["service"] = service
        _mark(call, row, worker)
        return row
    others = dns.named(call.tx, zone["id"], hostname)
    if others and not sent.get("override_existing_dns_record"):
        raise ApiError(
            409, 100117,
            f"Hostname '{hostname}' already has externally managed DNS records (A, CNAME, etc). Either delete them, "
            "try a different hostname, or use the option 'override_existing_dns_record' to override.",
        )  # fmt: skip
    for other in others:
        call.tx.remove("dns_record", zone["id"], other["id"])
    record = {"type": "AAAA", "name": hostname, "content": ADDRESS, "proxied": True, "ttl": 1}
    meta = {"origin_worker_id": worker["id"], "read_only": True}
    row = {
        "id": hashlib.sha256(f"domain {call.account} {hostname}".encode()).hexdigest()[:40],
        "hostname": hostname,
        "service": service,
        "environment": sent.get("environment") or "production",
        "zone_id": zone["id"],
        "zone_name": zone["name"],
        "cert_id": uuid_id(),
        "_record": dns.add(call.tx, zone, record, meta)["id"],
    }
    return call.tx.put(KIND, call.account, row["id"], row)


def _zone(call: Call, hostname: str, sent: dict[str, Any]) -> Row:
    named = sent.get("zone_id"), sent.get("zone_name")
    if named[0]:
        zone = call.tx.get("zone", call.account, named[0])
    elif named[1]:
        zone = by_name(call.tx, call.account, named[1])
    else:
        zone = of_host(call.tx, call.account, hostname)
    if zone is None:
        raise ApiError(404, 100112, f"Could not find a zone for hostname '{hostname}' on your account.")
    if hostname != zone["name"] and not hostname.endswith(f".{zone['name']}"):
        raise bad_request(f"Hostname '{hostname}' is not in zone '{zone['name']}'.", 100114)
    return zone


def _mark(call: Call, row: Row, worker: Row) -> None:
    if call.tx.get("dns_record", row["zone_id"], row["_record"]) is not None:
        call.tx.edit("dns_record", row["zone_id"], row["_record"])["meta"]["origin_worker_id"] = worker["id"]


def detach(call: Call, row: Row) -> None:
    dns.drop(call.tx, row["zone_id"], row["_record"])
    call.tx.remove(KIND, call.account, row["id"])


def release(call: Call, service: str) -> None:
    """Take all host names from a Worker."""
    for row in call.tx.all(KIND, call.account):
        if row["service"] == service:
            detach(call, row)


def listing(call: Call) -> Answer:
    rows = call.tx.all(KIND, call.account)
    for name in ("hostname", "service", "environment", "zone_id", "zone_name"):
        if name in call.query:
            rows = [row for row in rows if row[name] == call.query[name]]
    return Answer([public(row) for row in rows])


def put(call: Call) -> Answer:
    sent = call.object()
    hostname, service = sent.get("hostname"), sent.get("service")
    if not isinstance(hostname, str) or not isinstance(service, str):
        raise bad_request("hostname and service are required", 10021)
    return Answer(public(attach(call, hostname, service, sent)))


def _find(call: Call) -> Row:
    row = call.tx.get(KIND, call.account, call.path["id"])
    if row is None:
        raise ApiError(404, 100115, "The custom domain does not exist.")
    return row


def get(call: Call) -> Answer:
    return Answer(public(_find(call)))


def delete(call: Call) -> Answer:
    row = _find(call)
    detach(call, row)
    return Answer({"id": row["id"]})


def _origins(sent: dict[str, Any]) -> list[dict[str, Any]]:
    found = sent.get("origins")
    if not isinstance(found, list) or not all(isinstance(one, dict) and one.get("hostname") for one in found):
        raise bad_request("origins must be a list of objects with a hostname", 10021, "/origins")
    return found


def put_records(call: Call) -> Answer:
    """wrangler: these are all the host names of a script."""
    worker, sent = model.find(call), call.object()
    origins = _origins(sent)
    wanted = {one["hostname"].lower() for one in origins}
    for row in call.tx.all(KIND, call.account):
        if row["service"] == worker["name"] and row["hostname"] not in wanted and sent.get("override_scope"):
            detach(call, row)
    flags = {key: sent.get(key) for key in ("override_existing_origin", "override_existing_dns_record")}
    return Answer([public(attach(call, one["hostname"], worker["name"], {**one, **flags})) for one in origins])


def changeset(call: Call) -> Answer:
    """wrangler: what such a change would do, without doing it."""
    worker, sent = model.find(call), call.json()
    origins = _origins({"origins": sent} if isinstance(sent, list) else call.object())
    there = {row["hostname"]: row for row in call.tx.all(KIND, call.account)}
    wanted = {one["hostname"].lower(): one for one in origins}
    found: dict[str, list[Any]] = {"added": [], "removed": [], "updated": [], "conflicting": []}
    for hostname, one in wanted.items():
        zone = _zone(call, hostname, one)
        if hostname in there:
            other = there[hostname]["service"] != worker["name"]
            shown = {**public(there[hostname]), "modified": other}
            found["updated"].append(shown)
        elif dns.named(call.tx, zone["id"], hostname):
            found["conflicting"].append({"hostname": hostname, "zone_id": zone["id"], "external_dns_record_id":
                                         dns.named(call.tx, zone["id"], hostname)[0]["id"]})  # fmt: skip
        else:
            found["added"].append({"hostname": hostname, "zone_id": zone["id"], "zone_name": zone["name"]})
    if call.query.get("replace_state") == "true":
        found["removed"] = [public(row) for name, row in there.items()
                            if row["service"] == worker["name"] and name not in wanted]  # fmt: skip
    return Answer(found)


BASE = "/accounts/{account_id}/workers"
ROUTES = [
    Route("GET", BASE + "/domains", listing),
    Route("PUT", BASE + "/domains", put),
    Route("GET", BASE + "/domains/{id}", get),
    Route("DELETE", BASE + "/domains/{id}", delete),
    Route("PUT", BASE + "/scripts/{script}/domains/records", put_records),
    Route("POST", BASE + "/scripts/{script}/domains/changeset", changeset),
]
