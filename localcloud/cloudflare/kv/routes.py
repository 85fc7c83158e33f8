"""KV: namespaces are declared here, values are the data plane's."""

from __future__ import annotations

import json
from typing import Any

from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.kv import bulk, keyspace
from localcloud.cloudflare.pages import after_cursor
from localcloud.cloudflare.routing import Answer, Call, Raw, Route, hex_id
from localcloud.cloudflare.store import Row


def _title(call: Call, but: str | None = None) -> str:
    title = call.object().get("title")
    if not isinstance(title, str) or not 1 <= len(title) <= 512:
        raise bad_request("a title of 1 to 512 characters is required", 10011, "/title")
    if any(row["title"] == title and row["id"] != but for row in call.tx.all(keyspace.KIND, call.account)):
        raise bad_request("a namespace with this account ID and title already exists", 10014, "/title")
    return title


def listing(call: Call) -> Answer:
    rows = call.tx.all(keyspace.KIND, call.account)
    if call.query.get("order") in ("id", "title"):
        rows = sorted(rows, key=lambda row: row[call.query["order"]])
    if call.query.get("direction") == "desc":
        rows = list(reversed(rows))
    return call.page(rows, dict)


def create(call: Call) -> Answer:
    row: Row = {"id": hex_id(), "title": _title(call), "supports_url_encoding": True}
    return Answer(call.tx.put(keyspace.KIND, call.account, row["id"], row))


def get(call: Call) -> Answer:
    return Answer(keyspace.find(call))


def put(call: Call) -> Answer:
    row = keyspace.find(call)
    title = _title(call, row["id"])
    changed = call.tx.edit(keyspace.KIND, call.account, row["id"])
    changed["title"] = title
    return Answer(changed)


def delete(call: Call) -> Answer:
    with call.cloud.store.transaction() as call.transaction:
        row = keyspace.find(call)
        call.tx.remove(keyspace.KIND, call.account, row["id"])
    call.cloud.dataplane.values.drop(row["id"])
    return Answer(None)


def get_value(call: Call) -> Raw:
    found = call.cloud.dataplane.values.get(keyspace.namespace(call), keyspace.check_key(call.path["key"]))
    if found is None:
        raise ApiError(404, 10009, "get: 'key not found'")
    headers = {"expiration": str(found.expiration)} if found.expiration else {}
    return Raw(found.content, headers=headers)


def put_value(call: Call) -> Answer:
    namespace, content, metadata = keyspace.namespace(call), call.content, None
    if call.content_type.lower().startswith("multipart/form-data"):
        parts = {part.name: part.content for part in call.form()}
        if "value" not in parts:
            raise bad_request("the form needs a part 'value'", 10021)
        content = parts["value"]
        metadata = _metadata(parts.get("metadata"))
    expiration = keyspace.expiration(call.query.get("expiration"), call.query.get("expiration_ttl"))
    call.cloud.dataplane.values.put(
        namespace, keyspace.check_key(call.path["key"]), keyspace.value(content, expiration, metadata)
    )
    return Answer(None)


def _metadata(text: bytes | None) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        raise bad_request("metadata must be JSON", 10021, "/metadata") from None


def delete_value(call: Call) -> Answer:
    call.cloud.dataplane.values.delete(keyspace.namespace(call), keyspace.check_key(call.path["key"]))
    return Answer(None)


def get_metadata(call: Call) -> Answer:
    found = call.cloud.dataplane.values.get(keyspace.namespace(call), keyspace.check_key(call.path["key"]))
    if found is None:
        raise ApiError(404, 10009, "get: 'key not found'")
    return Answer(found.metadata)


def keys(call: Call) -> Answer:
    found = dict(call.cloud.dataplane.values.keys(keyspace.namespace(call), call.query.get("prefix", "")))
    page, cursor = after_cursor(list(found), call.query, 1000, 1000)
    shown = []
    for name in page:
        one: dict[str, Any] = {"name": name}
        if found[name].expiration is not None:
            one["expiration"] = found[name].expiration
        if found[name].metadata is not None:
            one["metadata"] = found[name].metadata
        shown.append(one)
    return Answer(shown, info={"count": len(shown), "cursor": cursor})


BASE = "/accounts/{account_id}/storage/kv/namespaces"
ONE = BASE + "/{namespace}"
ROUTES = [
    Route("GET", BASE, listing),
    Route("POST", BASE, create),
    Route("GET", ONE, get),
    Route("PUT", ONE, put),
    Route("DELETE", ONE, delete, free=True),
    Route("GET", ONE + "/keys", keys, free=True),
    Route("GET", ONE + "/values/{key}", get_value, free=True),
    Route("PUT", ONE + "/values/{key}", put_value, free=True),
    Route("DELETE", ONE + "/values/{key}", delete_value, free=True),
    Route("GET", ONE + "/metadata/{key}", get_metadata, free=True),
    *bulk.ROUTES,
]
