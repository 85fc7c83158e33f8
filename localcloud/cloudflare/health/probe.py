"""One question of a health check, over the network, to an origin.

Source of what it refuses: Cloudflare's documentation of Health Checks, "common error codes".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
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
OWN = 1000
"""Code of an origin that is Cloudflare itself."""


async def ask(upstream: Upstream, table: Table, check: Row) -> str:
    """Why the check failed, empty if it did not. A timeout is tried again at once, ``retries`` times."""
    for _ in range(check["retries"] + 1):
        try:
            async with asyncio.timeout(check["timeout"]):
                if check["type"] == "TCP":
                    return await _connect(table, check)
                return await _fetch(upstream, table, check)
        except TimeoutError:
            continue
        except OriginError as error:
            if error.status == 526:
                return "TLS untrusted certificate error"
            if error.status == 525:
                return "TLS handshake failed"
            if error.code == 1016:
                return "DNS resolution failed"
            if error.code == OWN:
                return "DNS internal"
            return TIMED_OUT if error.status in (522, 524) else "TCP connection failed"
    return TIMED_OUT if check["type"] != "TCP" else "TCP connection timed out"


def _refuse_own(table: Table, scheme: str, host: str, path: str) -> None:
    """A name that leads to Cloudflare's own addresses, proxied or a Worker's, is one that nobody is asked by.

    :raises OriginError: 403 with code 1000.
    """
    if table.destination(scheme, host, path).known:
        raise OriginError(403, OWN, "DNS points to prohibited IP")


async def _connect(table: Table, check: Row) -> str:
    port = (check.get("tcp_config") or {}).get("port") or 80
    _refuse_own(table, "https", check["address"].lower().rstrip("."), "/")
    try:
        _, writer = await asyncio.open_connection(origins.address(table, check["address"]), port)
    except OSError:
        return "TCP connection failed"
    writer.close()
    return ""


async def _fetch(upstream: Upstream, table: Table, check: Row) -> str:
    config = check["http_config"]
    path = str(config["path"])
    for _ in range(MAX_REDIRECTS + 1):
        status, location, body = await _once(upstream, table, check, path)
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


async def _once(upstream: Upstream, table: Table, check: Row, path: str) -> tuple[int, str | None, bytes]:
    """Status, Location and the body's beginning."""
    config = check["http_config"]
    scheme = check["type"].lower()
    host, port = check["address"].lower().rstrip("."), config["port"]
    _refuse_own(table, scheme, host, path)
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
    mode = None if scheme == "http" else ("full" if config["allow_insecure"] else "public")
    response = await upstream.to_origin(
        origins.address(table, host), port, request, headers, tls=mode, server_name=named.partition(":")[0]
    )
    try:
        return response.status, response.headers.get("location"), await _beginning(response.body)
    finally:
        await response.aclose()


async def _beginning(body: AsyncIterator[bytes]) -> bytes:
    found = b""
    async for chunk in body:
        found += chunk
        if len(found) >= MAX_BODY:
            break
    return found[:MAX_BODY]
