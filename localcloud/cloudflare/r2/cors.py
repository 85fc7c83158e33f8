"""CORS: what a browser on another origin may do with a bucket."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from localcloud.cloudflare.r2.model import Bucket, Json


def headers(bucket: Bucket, asked: Mapping[str, str], method: str) -> dict[str, str]:
    """The answer's CORS headers for a request with an Origin, empty if no rule allows it. ``method`` is the
    request's, or what a preflight asks about."""
    origin = asked.get("origin")
    if origin is None:
        return {}
    names = asked.get("access-control-request-headers", "").split(",")
    wanted = [name.strip().lower() for name in names if name.strip()]
    for rule in bucket.cors or ():
        if _allows(rule, origin, method, wanted):
            return _told(rule, origin, wanted)
    return {}


def _allows(rule: Json, origin: str, method: str, wanted: list[str]) -> bool:
    allowed = rule.get("allowed") or {}
    named = [str(name).lower() for name in allowed.get("headers") or ()]
    return (
        method in (allowed.get("methods") or ())
        and any(_like(origin, str(pattern)) for pattern in allowed.get("origins") or ())
        and all(any(_like(name, pattern) for pattern in named) for name in wanted)
    )


def _like(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]").replace("?", "[?]"))


def _told(rule: Json, origin: str, wanted: list[str]) -> dict[str, str]:
    told = {"access-control-allow-origin": "*" if "*" in rule["allowed"]["origins"] else origin, "vary": "Origin"}
    told["access-control-allow-methods"] = ", ".join(rule["allowed"]["methods"])
    if wanted:
        told["access-control-allow-headers"] = ", ".join(wanted)
    if rule.get("exposeHeaders"):
        told["access-control-expose-headers"] = ", ".join(rule["exposeHeaders"])
    if rule.get("maxAgeSeconds") is not None:
        told["access-control-max-age"] = str(rule["maxAgeSeconds"])
    return told
