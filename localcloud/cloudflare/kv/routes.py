"""KV: namespaces are declared here, values are the data plane's."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from localcloud.cloudflare.dataplane.interface import Value
from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.pages import after_cursor
from localcloud.cloudflare.routing import Answer, Call, Raw, Route, hex_id
from localcloud.cloudflare.store import Row

KIND = "kv_namespace"
MAX_KEY = 512
MAX_VALUE = 25 * 1024 * 1024
MIN_TTL = 60


def _find(call: Call) -> Row:
    row = call.tx.get(KIND, call.account, call.path["namespace"])
    if row is None:
        raise ApiError(404, 10013, "get namespace: 'namespace not found'")
    return row


def _title(call: Call, but: str | None = None) -> str:
    title = call.object().get("title")
    if not isinstance(title, str) or not 1 <= len(title) <= 512:
        raise bad_request("a title of 1 to 512 characters is required", 10011, "/title")
    if any(row["title"] == title and row["id"] != but for row in call.tx.all(KIND, call.account)):
        raise bad_request("a namespace with this account ID and title already exists", 10014, "/title")
    return title


def listing(call: Call) -> Answer:
    rows = call.tx.all(KIND, call.account)
    if call.query.get("order") in ("id", "title"):
        rows = sorted(rows, key=lambda row: row[call.query["order"]])
    if call.query.get("direction") == "desc":
        rows = list(reversed(rows))
    return call.page(rows, dict)


def create(call: Call) -> Answer:
    row: Row = {"id": hex_id(), "title": _title(call), "supports_url_encoding": True}
    return Answer(call.tx.put(KIND, call.account, row["id"], row))


def get(call: Call) -> Answer:
    return Answer(_find(call))


def put(call: Call) -> Answer:
    row = _find(call)
    title = _title(call, row["id"])
    changed = call.tx.edit(KIND, call.account, row["id"])
    changed["title"] = title
    return Answer(changed)


def delete(call: Call) -> Answer:
    with call.cloud.store.transaction() as call.transaction:
        row = _find(call)
        call.tx.remove(KIND, call.account, row["id"])
    call.cloud.dataplane.values.drop(row["id"])
    return Answer(None)


def _namespace(call: Call) -> str:
    with call.cloud.store.transaction() as call.transaction:
        return str(_find(call)["id"])


def _key(call: Call) -> str:
    key = call.path["key"]
    if len(key.encode()) > MAX_KEY or key in (".", ".."):
        raise bad_request(f"a key has at most {MAX_KEY} bytes and is neither . nor ..", 10012)
    return key


def _expiration(expiration: Any, ttl: Any) -> int | None:
    try:
        if ttl not in (None, ""):
            expiration = int(time.time()) + int(ttl)
            if int(ttl) < MIN_TTL:
                raise bad_request(f"expiration_ttl must be at least {MIN_TTL} seconds", 10033)
        return int(expiration) if expiration not in (None, "") else None
    except (TypeError, ValueError):
        raise bad_request("expiration must be a number of seconds", 10033) from None


def _value(content: bytes, expiration: int | None, metadata: Any) -> Value:
    if len(content) > MAX_VALUE:
        raise ApiError(413, 10047, f"the value has {len(content)} bytes; at most {MAX_VALUE} are allowed")
    return Value(content, expiration, metadata)


def get_value(call: Call) -> Raw:
    found = call.cloud.dataplane.values.get(_namespace(call), _key(call))
    if found is None:
        raise ApiError(404, 10009, "get: 'key not found'")
    headers = {"expiration": str(found.expiration)} if found.expiration else {}
    return Raw(found.content, headers=headers)


def put_value(call: Call) -> Answer:
    namespace, content, metadata = _namespace(call), call.content, None
    if call.content_type.lower().startswith("multipart/form-data"):
        parts = {part.name: part.content for part in call.form()}
        content = parts.get("value", b"")
        metadata = _metadata(parts.get("metadata"))
    expiration = _expiration(call.query.get("expiration"), call.query.get("expiration_ttl"))
    call.cloud.dataplane.values.put(namespace, _key(call), _value(content, expiration, metadata))
    return Answer(None)


def _metadata(text: bytes | None) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        raise bad_request("metadata must be JSON", 10021, "/metadata") from None


def delete_value(call: Call) -> Answer:
    call.cloud.dataplane.values.delete(_namespace(call), _key(call))
    return Answer(None)


def get_metadata(call: Call) -> Answer:
    found = call.cloud.dataplane.values.get(_namespace(call), _key(call))
    if found is None:
        raise ApiError(404, 10009, "get: 'key not found'")
    return Answer(found.metadata)


def keys(call: Call) -> Answer:
    found = dict(call.cloud.dataplane.values.keys(_namespace(call), call.query.get("prefix", "")))
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


def bulk_put(call: Call) -> Answer:
    namespace, sent = _namespace(call), call.json()
    if not isinstance(sent, list) or len(sent) > 10_000:
        raise bad_request("the body must be a list of at most 10,000 pairs", 10021)
    for one in sent:
        if not isinstance(one, dict) or not isinstance(one.get("key"), str) or not isinstance(one.get("value"), str):
            raise bad_request("a pair needs a key and a value, both of them text", 10021)
        content = base64.b64decode(one["value"]) if one.get("base64") else one["value"].encode()
        expiration = _expiration(one.get("expiration"), one.get("expiration_ttl"))
        value = _value(content, expiration, one.get("metadata"))
        call.cloud.dataplane.values.put(namespace, one["key"], value)
    return Answer({"successful_key_count": len(sent), "unsuccessful_keys": []})


def bulk_delete(call: Call) -> Answer:
    namespace, sent = _namespace(call), call.json()
    names = [one["name"] if isinstance(one, dict) else one for one in sent or []]
    for name in names:
        call.cloud.dataplane.values.delete(namespace, str(name))
    return Answer({"successful_key_count": len(names), "unsuccessful_keys": []})


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
    Route("PUT", ONE + "/bulk", bulk_put, free=True),
    Route("DELETE", ONE + "/bulk", bulk_delete, free=True),
    Route("POST", ONE + "/bulk/delete", bulk_delete, free=True),
]
