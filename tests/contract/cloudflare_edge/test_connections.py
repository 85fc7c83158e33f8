"""Connections byte by byte: what the edge answers itself, and what it leaves to hypercorn."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.contract.cloudflare_edge.conftest import Running
from tests.contract.cloudflare_edge.origin import Origin, behind, serving
from tests.contract.cloudflare_edge.workers import snapshot, version

HOST = b"host: api.localhost\r\n"


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with serving() as served:
        yield served


class Line:
    """A client's connection, written and read as bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def receive(self, *, head_only: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Status, fields and body of the next response."""
        line, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        status = int(line.split()[1])
        body = b""
        if head_only or status in (204, 304):
            pass
        elif fields.get("transfer-encoding") == "chunked":
            while size := int(await self._reader.readline(), 16):
                body += (await self._reader.readexactly(size + 2))[:-2]
            await self._reader.readline()
        else:
            body = await self._reader.readexactly(int(fields.get("content-length", 0)))
        return status, fields, body

    async def ended(self) -> bool:
        return await self._reader.read() == b""


@asynccontextmanager
async def line(edge: Running, *, tls: bool = False) -> AsyncIterator[Line]:
    context = ssl.create_default_context(cafile=str(edge.service.certificate_path)) if tls else None
    reader, writer = await asyncio.open_connection(
        "127.0.0.1",
        edge.settings.https_port if tls else edge.settings.http_port,
        ssl=context,
        server_hostname="api.localhost" if tls else None,
    )
    yield Line(reader, writer)
    writer.close()


@pytest.mark.parametrize("tls", [False, True])
async def test_requests_with_and_without_bodies_take_turns(edge: Running, origin: Origin, tls: bool) -> None:
    """A cart's POST after its page's GET on the same connection got no answer, or that of another request."""
    await edge.service.apply(behind(origin))
    async with line(edge, tls=tls) as client:
        client.send(b"GET /one HTTP/1.1\r\n" + HOST + b"\r\n")
        assert (await client.receive())[2] == b"from the origin"
        client.send(b"POST /two HTTP/1.1\r\n" + HOST + b"content-length: 3\r\n\r\nabc")
        assert (await client.receive())[0] == 200
        client.send(b"GET /three HTTP/1.1\r\n" + HOST + b"\r\n")
        assert (await client.receive())[0] == 200
    assert [asked for asked, _ in origin.requests] == ["GET /one", "POST /two", "GET /three"]
    assert origin.bodies == [b"", b"abc", b""]


async def test_requests_that_come_together_are_answered_in_order(edge: Running, origin: Origin) -> None:
    """A client that does not wait for responses takes the second for the first's."""
    await edge.service.apply(behind(origin))
    async with line(edge) as client:
        paths = [f"/{number}" for number in range(5)]
        client.send(b"".join(b"GET %b HTTP/1.1\r\n%b\r\n" % (path.encode(), HOST) for path in paths))
        client.send(b"POST /last HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        assert [(await client.receive())[0] for _ in range(6)] == [200] * 6
    assert [asked for asked, _ in origin.requests] == [*(f"GET {path}" for path in paths), "POST /last"]


async def test_a_request_may_come_in_pieces(edge: Running, origin: Origin) -> None:
    """A slow phone's request is split anywhere, also within its first word."""
    await edge.service.apply(behind(origin))
    async with line(edge) as client:
        for byte in b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n":
            client.send(bytes([byte]))
            await asyncio.sleep(0)
        assert (await client.receive())[0] == 200


async def test_head_and_close_end_where_they_must(edge: Running, origin: Origin) -> None:
    """A HEAD's length is of no body: whoever waits for it, or sends one, breaks the connection."""
    await edge.service.apply(behind(origin))
    async with line(edge) as client:
        client.send(b"HEAD /a HTTP/1.1\r\n" + HOST + b"\r\n")
        status, fields, _ = await client.receive(head_only=True)
        assert (status, fields["content-length"]) == (200, "15")
        client.send(b"GET /a HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n")
        _, fields, body = await client.receive()
        assert (fields["connection"], body) == ("close", b"from the origin")
        assert await client.ended()


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"a b: c\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
    ids=["no host", "two hosts", "a name with a space", "two lengths", "too long"],
)
async def test_what_is_not_well_formed_reaches_no_origin(edge: Running, origin: Origin, head: bytes) -> None:
    """Two servers that read one request in two ways let a second request through behind the first."""
    await edge.service.apply(behind(origin))
    async with line(edge) as client:
        client.send(head)
        status, _, _ = await client.receive()
        assert status in (400, 431)
    assert origin.requests == []


async def test_a_body_that_streams_comes_as_it_is_made(edge: Running) -> None:
    """A page that streams its slow parts would come only with the last of them."""
    source = """
    export default { fetch() {
      const { readable, writable } = new TransformStream();
      const writer = writable.getWriter();
      const send = async () => {
        for (const part of ["one", "two"]) {
          await writer.write(new TextEncoder().encode(part));
          await scheduler.wait(200);
        }
        await writer.close();
      };
      send();
      return new Response(readable, { headers: { "content-type": "application/octet-stream" } });
    } };
    """
    await edge.service.apply(snapshot(version("v1", source)))
    async with edge.client("store.localhost") as client, client.stream("GET", "/") as response:
        parts = [part async for part in response.aiter_raw()]
    assert parts == [b"one", b"two"]


async def test_a_failure_of_the_edge_is_told(edge: Running, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that just ends looks like the network's fault, and browsers ask again without end."""

    def fail(*_: object) -> None:
        raise ValueError("a mistake")

    await edge.service.apply(behind(origin))
    monkeypatch.setattr("localcloud.cloudflare.edge.forwarding.arrive", fail)
    async with line(edge) as client:
        client.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert (await client.receive())[0] == 500
        assert await client.ended()


async def test_a_body_that_breaks_off_is_no_whole_one(edge: Running) -> None:
    """Half a price list with a proper end is kept by every cache on its way."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    await edge.service.apply(behind(Origin(port=server.sockets[0].getsockname()[1])))
    async with line(edge) as client:
        client.send(b"GET /a.js HTTP/1.1\r\n" + HOST + b"\r\n")
        with pytest.raises((asyncio.IncompleteReadError, ValueError)):
            await client.receive()
    server.close()


async def test_a_client_that_leaves_ends_what_it_asked_for(edge: Running, origin: Origin) -> None:
    """Abandoned requests would hold their origin's connections for minutes."""
    gone = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()  # until the edge ends the connection
        gone.set()
        writer.close()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    waits = Origin(port=server.sockets[0].getsockname()[1])
    await edge.service.apply(behind(waits))
    _, writer = await asyncio.open_connection("127.0.0.1", edge.settings.http_port)
    writer.write(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()
    await asyncio.wait_for(gone.wait(), 10)
    server.close()
