"""WebSockets through the edge, to Workers and to origins."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    RejectConnection,
    Request,
    TextMessage,
)

from localcloud.cloudflare.edge.snapshot import Ruleset
from tests.contract.cloudflare_edge.conftest import Running
from tests.contract.cloudflare_edge.origin import Origin, behind, rule, serving
from tests.contract.cloudflare_edge.workers import snapshot, version

ECHO = """
export default { async fetch(request) {
  if (request.headers.get("upgrade") !== "websocket") return new Response("plain", {status: 426});
  const url = new URL(request.url);
  if (url.pathname === "/through") return fetch("http://api.localhost/", request);
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  server.addEventListener("message", (event) => {
    if (event.data === "end") server.close(4001, "ended"); else server.send(event.data);
  });
  return new Response(null, {status: 101, webSocket: client, headers: {"x-seen": request.headers.get("cf-ray")}});
} };
"""


class Socket:
    """A client's WebSocket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._connection = WSConnection(ConnectionType.CLIENT)
        self._events: list[Event] = []

    async def say(self, event: Event) -> None:
        self._writer.write(self._connection.send(event))
        await self._writer.drain()

    async def hear(self) -> Any:
        while not self._events:
            data = await self._reader.read(65536)
            self._connection.receive_data(data or None)
            self._events += list(self._connection.events())
        return self._events.pop(0)


@contextlib.asynccontextmanager
async def opened(edge: Running, host: str, path: str = "/", **request: Any) -> AsyncIterator[Socket]:
    context = ssl.create_default_context(cafile=str(edge.service.certificate_path))
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", edge.settings.https_port, ssl=context, server_hostname=host
    )
    try:
        socket = Socket(reader, writer)
        await socket.say(Request(host=host, target=path, **request))
        yield socket
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def echoing() -> AsyncIterator[tuple[Origin, list[Request]]]:
    """An origin that answers each message with itself, and keeps the handshakes."""
    asked: list[Request] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = WSConnection(ConnectionType.SERVER)
        while data := await reader.read(65536):
            connection.receive_data(data)
            for event in connection.events():
                if isinstance(event, Request):
                    asked.append(event)
                    writer.write(connection.send(AcceptConnection(subprotocol="chat" if event.subprotocols else None)))
                elif isinstance(event, TextMessage | BytesMessage):
                    writer.write(connection.send(replace(event)))
                elif isinstance(event, CloseConnection):
                    writer.write(connection.send(event.response()))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield Origin(server.sockets[0].getsockname()[1]), asked
    server.close()


async def test_a_worker_answers_messages(edge: Running) -> None:
    """A live page that works in the cloud is dead on every developer's machine."""
    await edge.service.apply(snapshot(version("v1", ECHO)))
    async with opened(edge, "store.localhost") as socket:
        accepted = await socket.hear()
        assert isinstance(accepted, AcceptConnection)
        assert dict(accepted.extra_headers)[b"x-seen"].decode() == dict(accepted.extra_headers)[b"cf-ray"].decode()
        for sent in (TextMessage("Grüße"), BytesMessage(b"\0" * 200_000)):
            await socket.say(sent)
            received: Any = sent.data[:0]
            while len(received) < len(sent.data):
                received += (await socket.hear()).data
            assert received == sent.data
        await socket.say(TextMessage("end"))
        closed = await socket.hear()
        assert (closed.code, closed.reason) == (4001, "ended")


async def test_an_origin_gets_the_handshake_by_the_zones_rules(edge: Running) -> None:
    """An origin that wants the edge's secret would refuse every socket; one refused by a rule would be open."""
    secret = {"headers": {"X-Origin-Secret": {"operation": "set", "value": "right"}}}
    rules = (
        Ruleset("zone", "http_request_late_transform", (rule("true", "rewrite", action_parameters=secret),)),
        Ruleset("zone", "http_request_firewall_custom", (rule('http.request.uri.path eq "/no"', "block"),)),
    )
    async with echoing() as (origin, asked):
        sent = behind(origin, *rules)
        workers = snapshot(version("v1", ECHO))
        await edge.service.apply(replace(workers, records=sent.records, rulesets=sent.rulesets))
        for host, path in (("api.localhost", "/live?a=1"), ("store.localhost", "/through")):
            async with opened(edge, host, path, subprotocols=["chat"]) as socket:
                accepted = await socket.hear()
                assert isinstance(accepted, AcceptConnection) and accepted.subprotocol == "chat"
                await socket.say(TextMessage("one"))
                assert (await socket.hear()).data == "one"
                await socket.say(CloseConnection(code=1000))
                assert (await socket.hear()).code == 1000
        async with opened(edge, "api.localhost", "/no") as socket:
            refused = await socket.hear()
            assert isinstance(refused, RejectConnection) and refused.status_code == 403
    assert [one.target for one in asked] == ["/live?a=1", "/"]
    fields = dict(asked[0].extra_headers)
    assert fields[b"x-origin-secret"] == b"right"
    assert fields[b"cf-connecting-ip"] == b"127.0.0.1"
    assert dict(asked[1].extra_headers)[b"cf-worker"] == b"localhost"


@pytest.mark.parametrize("up", [True, False])
async def test_an_origin_that_takes_none_is_told_to_the_client(edge: Running, up: bool) -> None:
    """A socket that hangs instead of failing is never tried again."""
    async with serving() as origin:
        await edge.service.apply(behind(origin if up else Origin(1)))
        async with opened(edge, "api.localhost") as socket:
            refused = await socket.hear()
            assert isinstance(refused, RejectConnection)
            assert refused.status_code == (200 if up else 521)
