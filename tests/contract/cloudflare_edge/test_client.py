"""What origins answer, byte by byte: however it is written, it reaches the client whole, or not as if it were."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.contract.cloudflare_edge.conftest import Running
from tests.contract.cloudflare_edge.origin import Origin, behind

OK = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def answering(answer: Callable[[int], bytes], *, end: bool) -> AsyncIterator[tuple[Origin, list[int]]]:
    """An origin that answers the nth request of a connection with these bytes; and the connections it had."""
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(0)
        place = len(connections) - 1
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                connections[place] += 1
                writer.write(answer(connections[place]))
                await writer.drain()
                if end:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield Origin(port=server.sockets[0].getsockname()[1]), connections
    server.close()


@pytest.mark.parametrize(
    ("answer", "end", "body"),
    [
        (OK + b"\r\nto the end", True, "to the end"),
        (OK + b"Content-Length: 3\r\n\r\nabc", False, "abc"),
        (OK + b"transfer-encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nT: r\r\n\r\n",
         False, "abc0123456789"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n" + OK + b"content-length: 2\r\n\r\nok", False, "ok"),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", True, "ok"),
        (OK + b"content-length: 2\r\nx-empty:\r\nx-utf8: caf\xc3\xa9\r\n\r\nok", False, "ok"),
        (b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok", False, "ok"),
    ],
    ids=["to the end", "length", "chunks", "early hints", "1.0", "odd fields", "no reason"],
)  # fmt: skip
async def test_an_answer_is_read_as_it_is_meant(edge: Running, answer: bytes, end: bool, body: str) -> None:
    """Origins are of all ages; one that the edge cannot read is down for all customers."""
    async with answering(lambda _: answer, end=end) as (origin, connections):
        await edge.service.apply(behind(origin))
        async with edge.client("api.localhost", scheme="http") as client:
            for _ in range(3):
                response = await client.get("/page")
                assert (response.status_code, response.text) == (200, body)
    assert sum(connections) == 3
    assert len(connections) == (3 if end else 1)


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"content-length: 10\r\n\r\nabc",
        OK + b"transfer-encoding: chunked\r\n\r\nxyz\r\nabc\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
        OK + b"content-length: 3\r\ncontent-length: 5\r\n\r\nabcde",
        b"nonsense\r\n\r\n",
    ],
    ids=["short", "no size", "too long a chunk", "two lengths", "nonsense"],
)
async def test_a_broken_answer_is_never_a_whole_one(edge: Running, answer: bytes) -> None:
    """Half of a page with a proper end is kept by every cache on its way."""
    async with answering(lambda _: answer, end=True) as (origin, _):
        await edge.service.apply(behind(origin))
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.settings.http_port)
        writer.write(b"GET /page HTTP/1.1\r\nhost: api.localhost\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        rest = b"" if b" 520 " in head else await reader.read()
        writer.close()
    assert b" 520 " in head or (not rest.endswith(b"0\r\n\r\n") and b"content-length: %d" % len(rest) not in head)


async def test_a_connection_that_ended_meanwhile_costs_no_request(edge: Running) -> None:
    """An origin that ends idle connections would answer every few minutes with an error."""
    async with answering(lambda nth: OK + b"content-length: 2\r\n\r\nok" if nth == 1 else b"", end=True) as (
        origin,
        connections,
    ):
        await edge.service.apply(behind(origin))
        async with edge.client("api.localhost", scheme="http") as client:
            statuses = [(await client.get("/page")).status_code for _ in range(5)]
    assert statuses == [200] * 5
    assert connections == [1] * 5
