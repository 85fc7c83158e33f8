"""Health checks, as declared; the watch asks, and writes down what it heard."""

from __future__ import annotations

from typing import Any

from localcloud.cloudflare.collection import Collection
from localcloud.cloudflare.errors import bad_request
from localcloud.cloudflare.routing import Body, Call
from localcloud.cloudflare.store import Row

HTTP: dict[str, Any] = {
    "method": "GET", "path": "/", "expected_codes": ["200"], "expected_body": "", "follow_redirects": False,
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
        sent = {name: value for name, value in (row.get("http_config") or {}).items() if value is not None}
        row["http_config"] = {**HTTP, "port": 443 if row["type"] == "HTTPS" else 80, **sent}
    heard = former is not None and not former["suspended"]
    row["status"] = "suspended" if row["suspended"] else (former["status"] if former and heard else "unknown")
    row["failure_reason"] = former["failure_reason"] if former and heard and not row["suspended"] else ""


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
