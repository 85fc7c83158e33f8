"""Requests as no browser makes them, on their way to a Worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from localcloud.cloudflare.edge import arrival
from tests.contract.cloudflare_edge.conftest import Running
from tests.contract.cloudflare_edge.workers import snapshot, version

HOST = b"Host: store.localhost\r\n"


async def said(edge: Running, request: bytes) -> bytes:
    """Everything that comes for bytes sent as they are, on a connection that ends with the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.settings.http_port)
    writer.write(request)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


async def test_two_lengths_are_refused(edge: Running) -> None:
    """Whoever believes the other length takes the rest of the body for a request; the edge failed half-way."""
    await edge.service.apply(snapshot(version("v1")))
    body = b"0\r\n\r\n"
    head = (
        b"POST / HTTP/1.1\r\n" + HOST + b"Connection: close\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    assert b" 400 " in (await said(edge, head + body)).split(b"\r\n")[0]


async def test_a_whole_address_is_taken_apart(edge: Running) -> None:
    """A client behind a proxy got error 1101; the address counts, whatever Host says (RFC 9112, 3.2.2)."""
    await edge.service.apply(snapshot(version("v1")))
    end = b"Connection: close\r\n\r\n"
    answer = await said(edge, b"GET http://store.localhost/a?b=1 HTTP/1.1\r\nHost: else.localhost\r\n" + end)
    assert b'"url":"http://store.localhost/a?b=1"' in answer
    for line in (b"OPTIONS *", b"CONNECT store.localhost:443", b"GET ftp://store.localhost/"):
        assert b" 400 " in (await said(edge, line + b" HTTP/1.1\r\n" + HOST + end)).split(b"\r\n")[0]


async def test_a_client_cannot_take_the_edges_fields_off(edge: Running) -> None:
    """``Connection: cf-connecting-ip`` took the visitor's address away from whoever counts logins by it."""
    await edge.service.apply(snapshot(version("v1")))
    async with edge.client("store.localhost", scheme="http") as client:
        named = {"connection": "close, cf-connecting-ip, x-forwarded-for, x-own", "x-own": "1"}
        told = (await client.get("/", headers=named)).json()["headers"]
    assert told["cf-connecting-ip"] == "127.0.0.1" and told["x-forwarded-for"] == "127.0.0.1"
    assert "x-own" not in told


@pytest.mark.parametrize("http2", [False, True])
async def test_a_body_that_is_too_long_is_refused(edge: Running, monkeypatch: pytest.MonkeyPatch, http2: bool) -> None:
    """An upload that works here fails on Cloudflare, which takes 100 MB."""
    monkeypatch.setattr(arrival, "MAX_BODY", 2**20)
    await edge.service.apply(snapshot(version("v1")))

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 2**16

    async with edge.client("store.localhost", http2=http2) as client:
        assert (await client.post("/", content=b"x" * 2**20)).status_code == 200
        assert (await client.post("/", content=b"x" * (2**20 + 1))).status_code == 413
        assert (await client.post("/", content=parts())).status_code == 413
        assert (await client.get("/")).status_code == 200


async def test_a_worker_may_answer_before_it_has_the_whole_body(edge: Running) -> None:
    """A refused upload over HTTP/2 ended every other request of the same connection."""
    script = "export default { async fetch(request) { return new Response('no', { status: 401 }) } }"
    await edge.service.apply(snapshot(version("v1", script)))
    async with edge.client("store.localhost", http2=True) as client:
        posts = [client.post("/", content=b"x" * 2**21) for _ in range(3)]
        assert [one.status_code for one in await asyncio.gather(*posts)] == [401] * 3
        assert (await client.get("/")).http_version == "HTTP/2"
