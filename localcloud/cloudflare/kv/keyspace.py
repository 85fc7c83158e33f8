"""What KV's calls share: the namespace they are for, and what a key and a value may be."""

from __future__ import annotations

import time
from typing import Any

from localcloud.cloudflare.dataplane.interface import Value
from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Call
from localcloud.cloudflare.store import Row

KIND = "kv_namespace"
MAX_KEY = 512
MAX_VALUE = 25 * 1024 * 1024
MIN_TTL = 60


def find(call: Call) -> Row:
    """The path's namespace; raises 404."""
    row = call.tx.get(KIND, call.account, call.path["namespace"])
    if row is None:
        raise ApiError(404, 10013, "get namespace: 'namespace not found'")
    return row


def namespace(call: Call) -> str:
    """The id of the path's namespace, for a route that opens its own transactions; raises 404."""
    with call.cloud.store.transaction() as call.transaction:
        return str(find(call)["id"])


def check_key(key: str) -> str:
    """A key that may be written; raises 400."""
    if len(key.encode()) > MAX_KEY or key in (".", ".."):
        raise bad_request(f"a key has at most {MAX_KEY} bytes and is neither . nor ..", 10012)
    return key


def expiration(moment: Any, ttl: Any) -> int | None:
    """When a value ends, in seconds since 1970; raises 400."""
    try:
        if ttl not in (None, ""):
            moment = int(time.time()) + int(ttl)
            if int(ttl) < MIN_TTL:
                raise bad_request(f"expiration_ttl must be at least {MIN_TTL} seconds", 10033)
        return int(moment) if moment not in (None, "") else None
    except (TypeError, ValueError):
        raise bad_request("expiration must be a number of seconds", 10033) from None


def value(content: bytes, ends: int | None, metadata: Any) -> Value:
    """A value that is not too long; raises 413."""
    if len(content) > MAX_VALUE:
        raise ApiError(413, 10047, f"the value has {len(content)} bytes; at most {MAX_VALUE} are allowed")
    return Value(content, ends, metadata)
