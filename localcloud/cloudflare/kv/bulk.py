"""KV's calls for many keys at once. Each pair is checked before the first one is written."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from localcloud.cloudflare.dataplane.interface import Value
from localcloud.cloudflare.errors import bad_request
from localcloud.cloudflare.kv import keyspace
from localcloud.cloudflare.routing import Answer, Call, Route

MAX_PAIRS = 10_000
MAX_READ = 100


def put(call: Call) -> Answer:
    namespace, sent = keyspace.namespace(call), call.json()
    if not isinstance(sent, list) or len(sent) > MAX_PAIRS:
        raise bad_request(f"the body must be a list of at most {MAX_PAIRS:,} pairs", 10021)
    pairs = [_pair(one) for one in sent]
    for key, value in pairs:
        call.cloud.dataplane.values.put(namespace, key, value)
    return Answer({"successful_key_count": len(pairs), "unsuccessful_keys": []})


def _pair(one: Any) -> tuple[str, Value]:
    if not isinstance(one, dict) or not isinstance(one.get("key"), str) or not isinstance(one.get("value"), str):
        raise bad_request("a pair needs a key and a value, both of them text", 10021)
    key = keyspace.check_key(one["key"])
    try:
        content = base64.b64decode(one["value"], validate=True) if one.get("base64") else one["value"].encode()
    except binascii.Error:
        raise bad_request(f"the value of key '{key}' is no Base64", 10021) from None
    expiration = keyspace.expiration(one.get("expiration"), one.get("expiration_ttl"))
    return key, keyspace.value(content, expiration, one.get("metadata"))


def delete(call: Call) -> Answer:
    namespace, sent = keyspace.namespace(call), call.json()
    names = [one.get("name") if isinstance(one, dict) else one for one in sent] if isinstance(sent, list) else [None]
    if not all(isinstance(name, str) for name in names) or len(names) > MAX_PAIRS:
        raise bad_request(f"the body must be a list of at most {MAX_PAIRS:,} keys", 10021)
    for name in names:
        call.cloud.dataplane.values.delete(namespace, str(name))
    return Answer({"successful_key_count": len(names), "unsuccessful_keys": []})


def get(call: Call) -> Answer:
    """``{"keys": [...], "type": "text"|"json", "withMetadata": bool}`` → ``{"values": {key: value or null}}``."""
    namespace, sent = keyspace.namespace(call), call.object()
    keys, kind = sent.get("keys"), sent.get("type", "text")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or not 1 <= len(keys) <= MAX_READ:
        raise bad_request(f"keys must be a list of 1 to {MAX_READ} keys", 10021, "/keys")
    if kind not in ("text", "json"):
        raise bad_request("type must be text or json", 10021, "/type")
    found = {key: call.cloud.dataplane.values.get(namespace, key) for key in keys}
    if not sent.get("withMetadata"):
        return Answer({"values": {key: _read(key, one, kind) if one else None for key, one in found.items()}})
    shown: dict[str, Any] = {}
    for key, one in found.items():
        shown[key] = {"value": _read(key, one, kind), "metadata": one.metadata} if one else None
        if one and one.expiration is not None:
            shown[key]["expiration"] = one.expiration
    return Answer({"values": shown})


def _read(key: str, one: Value, kind: str) -> Any:
    try:
        text = one.content.decode()
        return json.loads(text) if kind == "json" else text
    except ValueError:
        raise bad_request(f"the value of key '{key}' is not {kind}", 10021) from None


BASE = "/accounts/{account_id}/storage/kv/namespaces/{namespace}/bulk"
ROUTES = [
    Route("PUT", BASE, put, free=True),
    Route("DELETE", BASE, delete, free=True),
    Route("POST", BASE + "/delete", delete, free=True),
    Route("POST", BASE + "/get", get, free=True),
]
