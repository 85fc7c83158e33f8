"""A handler of requests as an ASGI application: from the server's events to a request, from a response to events."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from localcloud.cloudflare.edge import websockets
from localcloud.cloudflare.edge.messages import Headers, Request, Response
from localcloud.cloudflare.edge.replay import Replays

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Handler = Callable[[Request], Awaitable[Response]]

BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
logger = logging.getLogger(__name__)


class Gone(Exception):
    """The client went away before its request was complete."""


class Application:
    """Serves HTTP/1.1 and HTTP/2 as the server hands it over."""

    def __init__(self, handle: Handler, replays: Replays | None = None) -> None:
        self._handle = handle
        self.replays = replays
        """Where what may be sent again is kept, if it is kept at all."""

    @property
    def handle(self) -> Handler:
        return self._handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._websocket(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = Body(receive)
        request = to_request(scope, body)
        sending = asyncio.create_task(self._answer(request, body, send))
        leaving = asyncio.create_task(body.left())
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                if not task.done():
                    task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
        if not sending.cancelled() and (error := sending.exception()) and not isinstance(error, Gone):
            raise error

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        scheme = {"ws": "http", "wss": "https"}[scope["scheme"]]
        request = to_request({**scope, "method": "GET", "scheme": scheme}, Body(receive))
        request = replace(request, body=None, websocket=True)
        response = await self._handle(request)
        try:
            if response.status == 101 and response.upgraded is not None:
                await websockets.relay(response, receive, send)
            else:
                await websockets.refuse(response, send)
        finally:
            await asyncio.shield(response.aclose())

    async def _answer(self, request: Request, body: Body, send: Send) -> None:
        response = await self._handle(request)
        try:
            await _send(request, response, send)
            if request.http_version == "2":
                # hypercorn ends all of a connection where a part of a body comes for a stream that has ended.
                await body.leave()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await asyncio.shield(response.aclose())


class Body:
    """A request's body, read as it is asked for; afterwards it notices that the client leaves."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._read = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                raise Gone
            if chunk := event.get("body"):
                yield chunk
            if not event.get("more_body"):
                self._read.set()
                return

    async def leave(self) -> None:
        """Read what comes of it still, for nobody."""
        while not self._read.is_set():
            async for _ in self:
                pass

    def skip(self) -> None:
        """There is none that anybody would read."""
        self._read.set()

    async def left(self) -> None:
        """Returns once the client has gone; while the body is being read, its reader notices."""
        await self._read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass


def to_request(scope: Scope, body: Body) -> Request:
    """The request of an ASGI scope; HTTP/2's ``:authority`` comes as Host."""
    headers = Headers(scope["headers"])
    authority = headers.get("host") or ""
    has_body = headers.get("content-length") not in (None, "0") or headers.get("transfer-encoding") is not None
    if scope["http_version"] == "2" and headers.get("content-length") is None and scope["method"] not in BODILESS:
        has_body = True
    if not has_body:
        body.skip()
    client = scope.get("client") or ("127.0.0.1", 0)
    return Request(
        method=scope["method"],
        scheme=scope["scheme"],
        host=_host(authority),
        authority=authority,
        path=scope["raw_path"].decode("latin-1") or "/",
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        client_ip=client[0].removeprefix("::ffff:"),
        http_version=scope["http_version"],
        body=aiter(body) if has_body else None,
        accept_encoding=headers.get("accept-encoding") or "",
    )


def _host(authority: str) -> str:
    name, _, port = authority.rpartition(":")
    return (name if name and port.isdigit() else authority).lower().rstrip(".")


async def _send(request: Request, response: Response, send: Send) -> None:
    headers = response.headers.without_hop_by_hop()
    await send({"type": "http.response.start", "status": response.status, "headers": headers.pairs})
    if request.method != "HEAD":
        async with contextlib.aclosing(response.body) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
