"""The fields that expressions may name, each with how it is read from a request or a response."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from localcloud.cloudflare.edge import forwarding
from localcloud.cloudflare.edge.messages import Headers, Request, Response


@dataclass(frozen=True)
class Context:
    """What an expression is evaluated about; ``response`` only in phases that have one."""

    request: Request
    zone: str = ""
    response: Response | None = None


def _arrays(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _header_map(headers: Headers) -> dict[str, list[str]]:
    return _arrays([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.pairs])


def _arguments(context: Context) -> dict[str, list[str]]:
    return _arrays(parse_qsl(context.request.query, keep_blank_values=True))


def _extension(context: Context) -> str:
    last = context.request.path.rsplit("/", 1)[-1]
    return last.rpartition(".")[2].lower() if "." in last else ""


def _version(context: Context) -> str:
    return {"2": "HTTP/2", "3": "HTTP/3"}.get(context.request.http_version, f"HTTP/{context.request.http_version}")


def _header(name: str) -> Callable[[Context], Any]:
    return lambda context: context.request.headers.get(name) or ""


FIELDS: dict[str, Callable[[Context], Any]] = {
    "cf.colo.id": lambda _: 0,
    "cf.colo.name": lambda _: forwarding.COLO,
    "cf.ray_id": lambda context: context.request.ray,
    "cf.threat_score": lambda _: 0,
    "cf.worker.upstream_zone": lambda context: context.request.caller.zone if context.request.caller else "",
    "cf.zone.name": lambda context: context.zone,
    "http.cookie": _header("cookie"),
    "http.host": lambda context: context.request.host,
    "http.referer": _header("referer"),
    "http.request.cookies": lambda context: {name: [value] for name, value in context.request.cookies.items()},
    "http.request.full_uri": lambda context: (
        f"{context.request.scheme}://{context.request.host}{context.request.target}"
    ),
    "http.request.headers": lambda context: _header_map(context.request.headers),
    "http.request.headers.names": lambda context: list(_header_map(context.request.headers)),
    "http.request.method": lambda context: context.request.method,
    "http.request.timestamp.sec": lambda _: int(time.time()),
    "http.request.uri": lambda context: context.request.target,
    "http.request.uri.args": _arguments,
    "http.request.uri.args.names": lambda context: list(_arguments(context)),
    "http.request.uri.path": lambda context: context.request.path,
    "http.request.uri.path.extension": _extension,
    "http.request.uri.query": lambda context: context.request.query,
    "http.request.version": _version,
    "http.response.code": lambda context: context.response.status if context.response else None,
    "http.response.headers": lambda context: _header_map(context.response.headers) if context.response else None,
    "http.user_agent": _header("user-agent"),
    "http.x_forwarded_for": _header("x-forwarded-for"),
    "ip.src": lambda context: ipaddress.ip_address(context.request.client_ip),
    "ip.src.country": lambda _: forwarding.COUNTRY,
    "ip.geoip.country": lambda _: forwarding.COUNTRY,
    "ssl": lambda context: context.request.scheme == "https",
}
for _name in ("http.request.full_uri", "http.request.uri", "http.request.uri.path", "http.request.uri.query"):
    FIELDS[f"raw.{_name}"] = FIELDS[_name]
