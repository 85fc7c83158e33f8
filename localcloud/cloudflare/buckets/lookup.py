"""Finding buckets, which are told apart by jurisdiction (a header) and name."""

from __future__ import annotations

import re

from localcloud.cloudflare.errors import ApiError
from localcloud.cloudflare.routing import Call
from localcloud.cloudflare.store import Row

KIND = "r2_bucket"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
JURISDICTIONS = ("default", "eu", "fedramp")
CLASSES = ("Standard", "InfrequentAccess")
LOCATIONS = ("apac", "eeur", "enam", "weur", "wnam", "oc")


def jurisdiction(call: Call) -> str:
    """The jurisdiction that a request is about; raises 400."""
    found = call.headers.get("cf-r2-jurisdiction") or "default"
    if found not in JURISDICTIONS:
        raise ApiError(400, 10031, f"The jurisdiction '{found}' is not valid: it is one of {', '.join(JURISDICTIONS)}")
    return found


def find(call: Call) -> Row:
    """The bucket of the path; raises 404."""
    row = call.tx.get(KIND, jurisdiction(call), call.path["bucket"])
    if row is None:
        raise ApiError(404, 10006, "The specified bucket does not exist.")
    return row


def edit(call: Call) -> Row:
    row = find(call)
    return call.tx.edit(KIND, row["jurisdiction"], row["name"])
