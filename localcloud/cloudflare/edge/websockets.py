"""WebSockets through the edge: the handshake goes the way of a request, the messages from one side to the other."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

import httpcore
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from localcloud.cloudflare.edge.messages import Headers, Response

CHUNK = 64 * 1024
NORMAL, NO_STATUS, ABNORMAL = 1000, 1005, 1006
UNSENT = frozenset({NO_STATUS, ABNORMAL})
"""Codes that only say how it ended: none of them is ever sent (RFC 6455, 7.4.1)."""
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Stream(Protocol):
    """The connection of an upgraded response."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes: ...
    async def write(self, buffer: bytes, timeout: float | None = None) -> None: ...


def ask(headers: Headers) -> None:
    """Make a request's fields those of a handshake (RFC 6455, 4.1); messages are passed on uncompressed."""
    headers.remove("sec-websocket-extensions")
    headers.set("connection", "Upgrade")
    headers.set("upgrade", "websocket")
    headers.set("sec-websocket-version", "13")
    headers.set("sec-websocket-key", base64.b64encode(secrets.token_bytes(16)).decode())


async def refuse(response: Response, send: Send) -> None:
    """Tell a client what was answered in the place of a handshake."""
    headers = response.headers.without_hop_by_hop()
    await send({"type": "websocket.http.response.start", "status": response.status, "headers": headers.pairs})
    await send({"type": "websocket.http.response.body", "body": await response.read(), "more_body": False})


async def relay(response: Response, receive: Receive, send: Send) -> None:
    """Accept a client's handshake, and pass messages on until either side ends."""
    stream: Stream = response.upgraded
    headers = [pair for pair in response.headers.pairs if not pair[0].startswith(b"sec-websocket-")]
    protocol = response.headers.get("sec-websocket-protocol")
    await send({"type": "websocket.accept", "subprotocol": protocol, "headers": headers})
    upstream = Connection(ConnectionType.CLIENT)
    tasks = [
        asyncio.create_task(_from_client(upstream, stream, receive)),
        asyncio.create_task(_to_client(upstream, stream, send)),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _write(upstream: Connection, stream: Stream, event: Event) -> None:
    try:
        data = upstream.send(event)
    except LocalProtocolError:  # the other side has closed
        return
    await stream.write(data)


async def _from_client(upstream: Connection, stream: Stream, receive: Receive) -> None:
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            code = event.get("code") or NORMAL
            await _write(upstream, stream, CloseConnection(code=NORMAL if code in UNSENT else code))
            return
        if event.get("bytes") is not None:
            await _write(upstream, stream, BytesMessage(data=event["bytes"]))
        elif event.get("text") is not None:
            await _write(upstream, stream, TextMessage(data=event["text"]))


async def _to_client(upstream: Connection, stream: Stream, send: Send) -> None:
    parts: list[Any] = []
    while True:
        try:
            data = await stream.read(CHUNK)
            upstream.receive_data(data or None)
            events = list(upstream.events())
        except (httpcore.NetworkError, httpcore.TimeoutException, RemoteProtocolError):
            await send({"type": "websocket.close", "code": 1011})
            return
        for event in events:
            if isinstance(event, TextMessage | BytesMessage):
                parts.append(event.data)
                if event.message_finished:
                    whole = parts[0][:0].join(parts)
                    await send({"type": "websocket.send", "text" if isinstance(whole, str) else "bytes": whole})
                    parts = []
            elif isinstance(event, Ping):
                await _write(upstream, stream, event.response())
            elif isinstance(event, CloseConnection):
                if upstream.state is ConnectionState.REMOTE_CLOSING:
                    await _write(upstream, stream, event.response())
                code = int(event.code)
                await send(
                    {"type": "websocket.close", "code": NORMAL if code in UNSENT else code, "reason": event.reason}
                )
                return
        if not data:
            await send({"type": "websocket.close", "code": 1011})
            return
