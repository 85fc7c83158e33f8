"""A client's connection: GET and HEAD over HTTP/1.1 are answered here, everything else is handed to hypercorn.

Most requests of a store have no body and no surprises. What is not plainly one of these (HTTP/2, a body, an upgrade,
a field that is not well formed) goes on to a server that knows every case, with all bytes that came so far.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Protocol

from localcloud.cloudflare.edge.messages import Headers, Request, Response
from localcloud.cloudflare.edge.replay import Key, Replays

MAX_HEAD = 16 * 1024
"""Bytes; a longer head is hypercorn's to refuse."""
MAX_WAITING = 64 * 1024
"""Bytes that are taken in from a client that sends on while it is answered."""
HEAD = re.compile(
    rb"(GET|HEAD) ([!-~]+) HTTP/1\.1\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t \x21-\x7e\x80-\xff]*\r\n)+)\r\n"
)
NOT_HERE = frozenset({b"content-length", b"transfer-encoding", b"upgrade", b"expect", b"http2-settings"})
REASONS = {status.value: status.phrase for status in HTTPStatus}
BODILESS = frozenset({204, 304})
FAILED = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

logger = logging.getLogger(__name__)


class Server(Protocol):
    """What a connection needs of who listens."""

    replays: Replays | None
    closing: bool
    handle: Callable[[Request], Awaitable[Response]]

    def make_request(self, method: str, target: str, headers: Headers, scheme: str, client: str) -> Request: ...
    def opened(self, connection: Connection) -> None: ...
    def closed(self, connection: Connection) -> None: ...
    async def take_over(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None: ...


class Connection(asyncio.Protocol):
    """One connection, which takes one request at a time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None
        self._writable: asyncio.Event = asyncio.Event()
        self._writable.set()
        self._paused = False
        self._begun = False
        self.used = 0.0
        """When something came last, by the event loop's clock."""

    @property
    def busy(self) -> bool:
        return self._task is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self.used = self._loop.time()
        peer = transport.get_extra_info("peername")
        self._client = peer[0] if isinstance(peer, tuple) else "127.0.0.1"
        tls = transport.get_extra_info("ssl_object")
        self._scheme = "https" if tls is not None else "http"
        self._server.opened(self)
        if tls is not None and tls.selected_alpn_protocol() == "h2":
            self._hand_over()

    def data_received(self, data: bytes) -> None:
        if self._buffer or self._task is not None:
            self._buffer += data
            if self._task is not None:
                if len(self._buffer) > MAX_WAITING and not self._paused:
                    self._paused = True
                    self._transport.pause_reading()
                return
        else:
            replays = self._server.replays
            if (
                replays is not None
                and not self._server.closing
                and self._writable.is_set()
                and (sent := replays.find((data, self._client, self._scheme))) is not None
            ):
                self.used = self._loop.time()
                self._transport.writelines(sent)
                return
            self._buffer = data
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self._writable.set()
        if self._task is not None:
            self._task.cancel()
        self._server.closed(self)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def answered(self) -> None:
        """Returns once the request that is being answered is."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def _next(self) -> None:
        """Answer the request that the buffer begins with, if it is whole."""
        self.used = self._loop.time()
        data = self._buffer
        end = data.find(b"\r\n\r\n")
        if end < 0 and len(data) <= MAX_HEAD and (data.startswith((b"GET ", b"HEAD ")) or len(data) < 5):
            return
        found = HEAD.match(data) if 0 <= end <= MAX_HEAD else None
        fields = _fields(found[3]) if found is not None else None
        if found is None or fields is None:
            self._hand_over()
            return
        headers = Headers(fields)
        self._buffer = data[found.end() :]
        request = self._server.make_request(
            found[1].decode(), found[2].decode("latin-1"), headers, self._scheme, self._client
        )
        key: Key = (found[0], self._client, self._scheme)
        last = "close" in (headers.get("connection") or "").lower()
        self._task = self._loop.create_task(self._answer(request, key, last=last))

    async def _answer(self, request: Request, key: Key, *, last: bool) -> None:
        whole = False
        self._begun = False
        try:
            response = await self._server.handle(request)
            try:
                whole = await self._send(request, response, key, last=last)
            finally:
                await asyncio.shield(response.aclose())
        except (asyncio.CancelledError, ConnectionError):
            pass  # the client has gone
        except Exception:
            logger.exception("%s %s", request.method, request.path)
            if not self._begun:
                self._transport.write(FAILED)
        self._task = None
        if not whole or last or self._server.closing or self._transport.is_closing():
            self._transport.close()
            return
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        if self._buffer:
            self._next()

    async def _send(self, request: Request, response: Response, key: Key, *, last: bool) -> bool:
        """Whether the response was sent whole."""
        headers = response.headers.without_hop_by_hop()
        lines = [f"HTTP/1.1 {response.status} {REASONS.get(response.status, '')}".encode()]
        lines += [name + b": " + value for name, value in headers.pairs]
        if last or self._server.closing:
            lines.append(b"connection: close")
        bodiless = request.method == "HEAD" or response.status in BODILESS
        length = headers.get("content-length")
        chunked = not bodiless and length is None
        if chunked:
            lines.append(b"transfer-encoding: chunked")
        lines.append(b"")
        head = b"\r\n".join(lines)
        whole = response.whole
        self._begun = True
        if bodiless or whole is not None:
            body = b"" if bodiless or whole is None else whole
            if chunked:
                body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
            self._transport.writelines([head, b"\r\n", body] if body else [head, b"\r\n"])
            if response.source is not None and self._server.replays is not None and not last:
                self._server.replays.keep(key, head, body, response.source)
            await self._writable.wait()
            return True
        self._transport.write(head + b"\r\n")
        return await self._stream(response, None if chunked else int(length or 0))

    async def _stream(self, response: Response, length: int | None) -> bool:
        """Send a body as it comes: in chunks, or ``length`` bytes."""
        async with contextlib.aclosing(response.body) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                if not chunk:
                    continue
                if length is None:
                    self._transport.writelines([b"%x\r\n" % len(chunk), chunk, b"\r\n"])
                else:
                    length -= len(chunk)
                    self._transport.write(chunk)
                if not self._writable.is_set():
                    await self._writable.wait()
                if self._transport.is_closing():
                    return False
        if length is None:
            self._transport.write(b"0\r\n\r\n")
        return not length

    def _hand_over(self) -> None:
        """Let hypercorn have the connection, with what has come of it."""
        taken, self._buffer = self._buffer, b""
        self._server.closed(self)
        reader = asyncio.StreamReader(loop=self._loop)
        protocol = asyncio.StreamReaderProtocol(reader, self._server.take_over, loop=self._loop)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if taken:
            protocol.data_received(taken)


def _fields(lines: bytes) -> list[tuple[bytes, bytes]] | None:
    """The fields of a head; None where there is one that is not for here, or not one Host."""
    pairs = []
    hosts = 0
    for line in lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in NOT_HERE or (name == b"connection" and b"upgrade" in value.lower()):
            return None
        hosts += name == b"host"
        pairs.append((name, value.strip(b" \t")))
    return pairs if hosts == 1 else None
