"""Host names that serve a bucket's objects: custom ones, in a zone of the account, and the managed r2.dev one."""

from __future__ import annotations

from typing import Any

from localcloud.cloudflare.buckets.lookup import edit, find
from localcloud.cloudflare.dns import routes as dns
from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Answer, Body, Call, Route, public
from localcloud.cloudflare.store import Row

TLS = ("1.0", "1.1", "1.2", "1.3")


class Domain(Body):
    domain: str
    zoneId: str
    enabled: bool
    minTLS: str | None = None
    ciphers: list[str] | None = None


class EditDomain(Body):
    enabled: bool | None = None
    minTLS: str | None = None
    ciphers: list[str] | None = None


def _domain(row: Row, name: str) -> Row:
    found: Row | None = next((one for one in row["_domains"] if one["domain"] == name.lower()), None)
    if found is None:
        raise ApiError(404, 10054, "The specified custom domain does not exist.")
    return found


def _check_tls(version: str | None) -> None:
    if version is not None and version not in TLS:
        raise bad_request(f"minTLS '{version}' is not one of {', '.join(TLS)}", 10055, "/minTLS")


def listing(call: Call) -> Answer:
    return Answer({"domains": [public(one) for one in find(call)["_domains"]]})


def create(call: Call) -> Answer:
    body = call.body(Domain, 10055)
    _check_tls(body.minTLS)
    row, name = edit(call), body.domain.lower()
    zone = call.tx.get("zone", call.account, body.zoneId)
    if zone is None or not (name == zone["name"] or name.endswith(f".{zone['name']}")):
        raise bad_request(f"The domain {name} is not in the zone {body.zoneId} of this account.", 10055, "/domain")
    if any(one["domain"] == name for _, bucket in call.tx.everywhere("r2_bucket") for one in bucket["_domains"]):
        raise ApiError(409, 10056, f"The domain {name} is already in use.")
    if dns.named(call.tx, zone["id"], name):
        raise ApiError(409, 10056, f"The domain {name} already has DNS records; delete them first.")
    meta = {"r2_bucket": row["name"], "read_only": True}
    sent = {"type": "CNAME", "name": name, "content": "public.r2.dev", "proxied": True, "ttl": 1}
    record = dns.add(call.tx, zone, sent, meta)
    found: Row = {
        "domain": name,
        "enabled": body.enabled,
        "status": {"ownership": "active", "ssl": "active"},
        "minTLS": body.minTLS or "1.0",
        "zoneId": zone["id"],
        "zoneName": zone["name"],
        "_record": record["id"],
    }
    if body.ciphers:
        found["ciphers"] = body.ciphers
    row["_domains"].append(found)
    return Answer(public(found))


def get(call: Call) -> Answer:
    return Answer(public(_domain(find(call), call.path["domain"])))


def put(call: Call) -> Answer:
    body = call.body(EditDomain, 10055)
    _check_tls(body.minTLS)
    found = _domain(edit(call), call.path["domain"])
    found.update(body.model_dump(exclude_none=True, include=set(EditDomain.model_fields)))
    return Answer(public(found))


def delete(call: Call) -> Answer:
    row = edit(call)
    gone = _domain(row, call.path["domain"])
    dns.drop(call.tx, gone["zoneId"], gone["_record"])
    row["_domains"].remove(gone)
    return Answer({"domain": gone["domain"]})


def managed_name(row: Row) -> str:
    """The managed host name, in the place of ``pub-….r2.dev``."""
    return f"pub-{row['_id']}.r2.localhost"


def managed(row: Row) -> dict[str, Any]:
    return {"bucketId": row["_id"], "domain": managed_name(row), "enabled": row["_managed"]}


def get_managed(call: Call) -> Answer:
    return Answer(managed(find(call)))


def put_managed(call: Call) -> Answer:
    enabled = call.object().get("enabled")
    if not isinstance(enabled, bool):
        raise bad_request("enabled must be true or false", 10055, "/enabled")
    row = edit(call)
    row["_managed"] = enabled
    return Answer(managed(row))


BASE = "/accounts/{account_id}/r2/buckets/{bucket}/domains"
ROUTES = [
    Route("GET", BASE + "/custom", listing),
    Route("POST", BASE + "/custom", create),
    Route("GET", BASE + "/custom/{domain}", get),
    Route("PUT", BASE + "/custom/{domain}", put),
    Route("DELETE", BASE + "/custom/{domain}", delete),
    Route("GET", BASE + "/managed", get_managed),
    Route("PUT", BASE + "/managed", put_managed),
]
