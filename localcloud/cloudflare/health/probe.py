"""One question of a health check, over the network: to an origin, or through the edge where a name leads there.

Source: Cloudflare's documentation of Health Checks, "common error codes". A proxied name is asked at the edge; an
origin's certificate has to be of a public authority; the name in the TLS handshake is the Host header's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from localcloud.cloudflare.edge import origins
from localcloud.cloudflare.edge.messages import Headers, Request
from localcloud.cloudflare.edge.routing import Table
from localcloud.cloudflare.edge.upstream import OriginError, Upstream
from localcloud.cloudflare.store import Row

AGENT = "Mozilla/5.0 (compatible;Cloudflare-Healthchecks/1.0;+https://www.cloudflare.com/; healthcheck-id: {})"
MAX_BODY = 10 * 1024
"""Bytes of a response that ``expected_body`` is looked for in."""
MAX_REDIRECTS = 5
TIMED_OUT = "HTTP timeout occurred"


@dataclass(frozen=True)
class EdgePorts:
    """Where the edge answers on loopback."""

    http: int
    https: int


async def ask(upstream: Upstream, table: Table, check: Row, edge: EdgePorts | None) -> str:
    """Why the check failed, empty if it did not. A timeout is tried again at once, ``retries`` times."""
    for _ in range(check["retries"] + 1):
        try:
            async with asyncio.timeout(check["timeout"]):
                if check["type"] == "TCP":
                    return await _connect(table, check)
                return await _fetch(upstream, table, check, edge)
        except TimeoutError:
            continue
        except OriginError as error:
            if error.status == 526:
                return "TLS untrusted certificate error"
            if error.status == 525:
                return "TLS handshake failed"
            if error.code == 1016:
                return "DNS resolution failed"
            return TIMED_OUT if error.status in (522, 524) else "TCP connection failed"
    return TIMED_OUT if check["type"] != "TCP" else "TCP connection timed out"


async def _connect(table: Table, check: Row) -> str:
    port = (check.get("tcp_config") or {}).get("port") or 80
    try:
        _, writer = await asyncio.open_connection(origins.address(table, check["address"]), port)
    except OSError:
        return "TCP connection failed"
    writer.close()
    return ""


async def _fetch(upstream: Upstream, table: Table, check: Row, edge: EdgePorts | None) -> str:
    config = check["http_config"]
    path = str(config["path"])
    for _ in range(MAX_REDIRECTS + 1):
        status, location, body = await _once(upstream, table, check, edge, path)
        target = urlsplit(urljoin(f"//{check['address']}{path}", location or ""))
        if not (
            config["follow_redirects"] and location and 300 <= status < 400 and target.hostname == check["address"]
        ):
            break
        path = f"{target.path}?{target.query}" if target.query else target.path or "/"
    if not any(_expected(str(code), status) for code in config["expected_codes"]):
        return f"Response code mismatch error: {status}"
    wanted = str(config["expected_body"] or "")
    if wanted and wanted.lower() not in body.decode(errors="replace").lower():
        return "Response body mismatch error"
    return ""


def _expected(code: str, status: int) -> bool:
    return code == str(status) or (code.lower().endswith("xx") and code[0] == str(status)[0])


async def _once(
    upstream: Upstream, table: Table, check: Row, edge: EdgePorts | None, path: str
) -> tuple[int, str | None, bytes]:
    """Status, Location and the body's beginning."""
    config = check["http_config"]
    scheme = check["type"].lower()
    host, port = check["address"].lower().rstrip("."), config["port"]
    proxied = table.destination(scheme, host, path).known
    if proxied and edge is not None:
        address, own = "127.0.0.1", edge.https if scheme == "https" else edge.http
        # Where the name is public, 443 leads to the edge; here it listens elsewhere.
        port = own if port in (80, 443) else port
    else:
        address = origins.address(table, host)
    fields = {name.lower(): value for name, values in (config.get("header") or {}).items() for value in values[:1]}
    usual = {"http": 80, "https": 443}[scheme]
    named = fields.pop("host", host if port == usual else f"{host}:{port}")
    headers = Headers([
        (b"host", named.encode()),
        (b"user-agent", fields.pop("user-agent", AGENT.format(check["id"])).encode()),
        *((name.encode(), value.encode()) for name, value in fields.items()),
    ])  # fmt: skip
    target, _, query = path.partition("?")
    request = Request(config["method"], scheme, host, host, target, query, headers, "127.0.0.1", "1.1", None)
    mode = None if scheme == "http" else _trusts(proxied, config["allow_insecure"])
    server_name = named.partition(":")[0]
    response = await upstream.to_origin(address, port, request, headers, tls=mode, server_name=server_name)
    try:
        return response.status, response.headers.get("location"), await _beginning(response.body)
    finally:
        await response.aclose()


def _trusts(edge: bool, insecure: bool) -> str:
    """The edge's certificates are public for whoever is inside of this cloud; Origin CA's are for the edge alone."""
    return "full" if insecure else ("strict" if edge else "public")


async def _beginning(body: AsyncIterator[bytes]) -> bytes:
    found = b""
    async for chunk in body:
        found += chunk
        if len(found) >= MAX_BODY:
            break
    return found[:MAX_BODY]
