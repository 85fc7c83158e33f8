"""A plain origin of a test, and zones that lead to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from localcloud.cloudflare.edge.snapshot import Record, Ruleset, Snapshot, Zone
from tests.contract.cloudflare_edge.workers import ZONE


@dataclass
class Origin:
    """A plain HTTP server that remembers what it was sent and answers what it is told to."""

    port: int = 0
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"from the origin"
    status: int = 200

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                fields = dict(line.split(": ", 1) for line in lines[1:] if line)
                fields = {name.lower(): value for name, value in fields.items()}
                self.bodies.append(await _body(reader, fields))
                self.requests.append((lines[0].rsplit(" ", 1)[0], fields))
                own = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
                writer.write(
                    f"HTTP/1.1 {self.status} OK\r\ncontent-length: {len(self.body)}\r\n{own}\r\n".encode() + self.body
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def _body(reader: asyncio.StreamReader, fields: dict[str, str]) -> bytes:
    if fields.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(fields.get("content-length", 0)))
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body


@contextlib.asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Origin]:
    """An origin on a free port; ``options`` go to :func:`asyncio.start_server`."""
    served = Origin()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0, **options)
    served.port = server.sockets[0].getsockname()[1]
    yield served
    server.close()


def behind(
    origin: Origin,
    *rulesets: Ruleset,
    zone: Zone = ZONE,
    host: str = "api.localhost",
    address: str = "127.0.0.1",
    kind: str = "A",
    authorities: tuple[str, ...] = (),
) -> Snapshot:
    """``host`` as a proxied record of the origin; an origin rule leads to its port."""
    port = {"action": "route", "expression": "true", "action_parameters": {"origin": {"port": origin.port}}}
    own = Ruleset(zone.id, "http_request_origin", (port,))
    record = Record(zone.id, host, kind, address)
    return Snapshot(zones=(zone,), records=(record,), rulesets=(own, *rulesets), origin_authorities=authorities)


def rule(expression: str, action: str, ref: str = "r", **more: Any) -> dict[str, Any]:
    return {"ref": ref, "expression": expression, "action": action, "enabled": True, **more}
