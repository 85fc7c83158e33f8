"""Signed URLs of private pictures: ``exp`` (seconds since 1970) and ``sig``, HMAC-SHA256 in hex of path and query."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable


def signature(key: str, path: str, query: str) -> str:
    """``query`` without ``sig``, as it stands in the URL."""
    return hmac.new(key.encode(), f"{path}?{query}".encode(), hashlib.sha256).hexdigest()


def expiry(keys: Iterable[str], path: str, query: str, now: float) -> int | None:
    """When the URL ends, if it is signed rightly by one of the keys and has not ended; else None."""
    parts = [part for part in query.split("&") if part]
    given = [part.removeprefix("sig=") for part in parts if part.startswith("sig=")]
    ends = [part.removeprefix("exp=") for part in parts if part.startswith("exp=")]
    rest = "&".join(part for part in parts if not part.startswith("sig="))
    if len(given) != 1 or len(ends) != 1 or not ends[0].isascii() or not ends[0].isdigit() or int(ends[0]) <= now:
        return None
    # Every key is tried, so that the time taken does not tell which of them is near.
    right = [hmac.compare_digest(signature(key, path, rest).encode(), given[0].encode()) for key in keys]
    return int(ends[0]) if any(right) else None
