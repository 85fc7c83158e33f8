"""The HTTP that workerd speaks for a KV binding: GET, PUT and DELETE of keys, a listing, a bulk read."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import parse_qs, unquote

from localcloud.cloudflare.dataplane.interface import Value
from localcloud.cloudflare.edge import messages
from localcloud.cloudflare.edge.messages import Headers, Request, Response
from localcloud.cloudflare.runtime.kv import KvStore

METADATA_HEADER = "cf-kv-metadata"
MIN_TTL = 60
"""Seconds that a value lives at least."""
MAX_BULK = 100
MAX_KEYS = 1000
"""Keys in one page of a listing, at most and by default."""


async def answer(store: KvStore, namespace: str, request: Request) -> Response:
    """The response to one call of a binding."""
    query = {name: values[0] for name, values in parse_qs(request.query, keep_blank_values=True).items()}
    key = unquote(request.path[1:]) if query.get("urlencoded") == "true" else request.path[1:]
    match request.method:
        case "GET" if not key:
            return _json(_listing(store, namespace, query))
        case "GET":
            return _value(store.get(namespace, key))
        case "PUT":
            body = b"".join([chunk async for chunk in request.body]) if request.body else b""
            return _put(store, namespace, key, body, query, request.headers)
        case "DELETE":
            store.delete(namespace, key)
            return messages.text(200, "")
        case "POST" if request.path == "/bulk/get":
            body = b"".join([chunk async for chunk in request.body]) if request.body else b"{}"
            return _bulk(store, namespace, json.loads(body))
    return messages.text(405, "method not allowed")


def _value(entry: Value | None) -> Response:
    if entry is None:
        return messages.text(404, "")
    headers = Headers([(b"content-length", str(len(entry.content)).encode())])
    if entry.metadata is not None:
        headers.set(METADATA_HEADER, json.dumps(entry.metadata))
    return Response(200, headers, messages.chunks(entry.content))


def _put(store: KvStore, namespace: str, key: str, body: bytes, query: dict[str, str], headers: Headers) -> Response:
    now = int(time.time())
    expiration = int(query["expiration"]) if "expiration" in query else None
    if "expiration_ttl" in query:
        expiration = now + int(query["expiration_ttl"])
    if expiration is not None and expiration < now + MIN_TTL:
        return messages.text(400, f"Invalid expiration of {expiration}. It must be at least {MIN_TTL} seconds ahead.")
    metadata = headers.get(METADATA_HEADER)
    store.put(namespace, key, Value(body, expiration, json.loads(metadata) if metadata else None))
    return messages.text(200, "")


def _listing(store: KvStore, namespace: str, query: dict[str, str]) -> dict[str, Any]:
    after = base64.urlsafe_b64decode(query.get("cursor", "")).decode()
    limit = min(int(query.get("key_count_limit", MAX_KEYS)), MAX_KEYS)
    entries, more = store.page(namespace, query.get("prefix", ""), after, limit)
    keys = []
    for name, entry in entries:
        one: dict[str, Any] = {"name": name}
        if entry.expiration is not None:
            one["expiration"] = entry.expiration
        if entry.metadata is not None:
            one["metadata"] = entry.metadata
        keys.append(one)
    if not more:
        return {"keys": keys, "list_complete": True, "cacheStatus": None}
    cursor = base64.urlsafe_b64encode(entries[-1][0].encode()).decode()
    return {"keys": keys, "list_complete": False, "cursor": cursor, "cacheStatus": None}


def _bulk(store: KvStore, namespace: str, asked: dict[str, Any]) -> Response:
    keys = asked["keys"]
    if len(keys) > MAX_BULK:
        return messages.text(400, f"You can request a maximum of {MAX_BULK} keys")
    found: dict[str, Any] = {}
    for key in keys:
        entry = store.get(namespace, key)
        value: Any = None
        if entry is not None:
            value = entry.content.decode()
            if asked.get("type") == "json":
                value = json.loads(value)
        if asked.get("withMetadata"):
            found[key] = {"value": value, "metadata": entry.metadata} if entry else None
        else:
            found[key] = value
    return _json(found)


def _json(value: Any) -> Response:
    body = json.dumps(value).encode()
    headers = Headers([(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())])
    return Response(200, headers, messages.chunks(body))
