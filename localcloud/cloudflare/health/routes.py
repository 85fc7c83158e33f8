"""Health checks. Nothing asks the origin here: a check says that it is healthy, or suspended."""

from __future__ import annotations

from typing import Any

from localcloud.cloudflare.collection import Collection
from localcloud.cloudflare.errors import bad_request
from localcloud.cloudflare.routing import Body, Call
from localcloud.cloudflare.store import Row

HTTP: dict[str, Any] = {
    "method": "GET", "port": 80, "path": "/", "expected_codes": ["200"], "expected_body": "", "follow_redirects": False,
    "allow_insecure": False, "header": None,
}  # fmt: skip
TYPES = ("HTTP", "HTTPS", "TCP")
RANGES = {"interval": (5, 3600), "timeout": (1, 10), "retries": (0, 5)}
"""Seconds, seconds, times."""


class Healthcheck(Body):
    name: str
    address: str
    type: str | None = None
    interval: int | None = None
    timeout: int | None = None
    retries: int | None = None


def _prepare(call: Call, row: Row, former: Row | None) -> None:
    for name, value in DEFAULTS.items():
        if row.get(name) is None:
            row[name] = value
    if row["type"] not in TYPES:
        raise bad_request(f"type '{row['type']}' is not one of {', '.join(TYPES)}", 1002, "/type")
    for name, (least, most) in RANGES.items():
        if not least <= row[name] <= most:
            raise bad_request(f"{name} must be from {least} to {most}, not {row[name]}", 1002, f"/{name}")
    if row["timeout"] >= row["interval"]:
        raise bad_request("timeout must be shorter than interval", 1002, "/timeout")
    if row["type"] in ("HTTP", "HTTPS"):
        row["http_config"] = {**HTTP, **(row.get("http_config") or {})}
    row["status"] = "suspended" if row["suspended"] else "healthy"
    row["failure_reason"] = ""


def _show(call: Call, row: Row) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None}


DEFAULTS: dict[str, Any] = {
    "type": "HTTP", "interval": 60, "timeout": 5, "retries": 2, "consecutive_fails": 1, "consecutive_successes": 1,
    "suspended": False, "description": "",
}  # fmt: skip
CHECKS = Collection(
    path="/zones/{zone_id}/healthchecks", kind="healthcheck", model=Healthcheck,
    missing=(1001, "Healthcheck not found"),
    invalid=1002, defaults=DEFAULTS, prepare=_prepare, show=_show, methods="POST GET LIST PUT PATCH DELETE",
)  # fmt: skip
ROUTES = CHECKS.routes()
