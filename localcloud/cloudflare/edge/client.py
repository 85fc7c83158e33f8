"""HTTP/1.1 to Workers and origins for requests without a body, which most are; errors are httpcore's.

What answers otherwise than plainly is a protocol error here: whoever asks may then ask httpcore, which is slower and
knows more.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpcore

MAX_HEAD = 64 * 1024
MAX_UNREAD = 256 * 1024
"""Bytes that are taken in before somebody reads them."""
MAX_KEPT = 64
"""Connections that are kept to one place."""
HEAD = re.compile(
    rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [^\r\n\0]*)?\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t \x21-\x7e\x80-\xff]*\r\n)*)\r\n"
)
BODILESS = frozenset({204, 304})


@dataclass(frozen=True)
class Place:
    """Where a server listens: a Unix socket, or an address, with TLS or without."""

    socket: str = ""
    host: str = ""
    port: int = 0
    tls: ssl.SSLContext | None = None
    server_name: str | None = None


class Connection(asyncio.Protocol):
    """A kept connection; one request at a time."""

    def __init__(self) -> None:
        self._data = b""
        self._ended = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data = self._data + data if self._data else data
        if len(self._data) > MAX_UNREAD and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._ended, self._error = True, error
        self._wake()

    @property
    def fresh(self) -> bool:
        """Whether it may take another request."""
        return not self._ended and not self._data and not self._transport.is_closing()

    def send(self, request: bytes) -> None:
        self._transport.write(request)

    def abort(self) -> None:
        self._transport.abort()

    async def head(self, seconds: float) -> tuple[int, list[tuple[bytes, bytes]], bool]:
        """Status, fields, and whether the server speaks HTTP/1.1.

        :raises httpcore.ReadTimeout: it has not begun in time.
        :raises httpcore.RemoteProtocolError: it ended, or answers otherwise than plainly.
        """
        while (end := self._data.find(b"\r\n\r\n")) < 0:
            if len(self._data) > MAX_HEAD:
                raise httpcore.RemoteProtocolError("a head without end")
            if not await self.more(seconds):
                raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
        found = HEAD.match(self._data)
        if found is None or found.end() != end + 4 or found[2] == b"101":
            raise httpcore.RemoteProtocolError("not a plain response")
        self.take(found.end())
        if found[2].startswith(b"1"):
            return await self.head(seconds)  # hints that came early: the response is still to come
        pairs = []
        for line in found[3].split(b"\r\n")[:-1]:
            name, _, value = line.partition(b":")
            pairs.append((name.lower(), value.strip(b" \t")))
        return int(found[2]), pairs, found[1] == b"1"

    def take(self, size: int) -> bytes:
        """What has come, at most ``size`` bytes of it."""
        if size >= len(self._data):
            taken, self._data = self._data, b""
        else:
            taken, self._data = self._data[:size], self._data[size:]
        if self._paused and len(self._data) < MAX_UNREAD:
            self._paused = False
            self._transport.resume_reading()
        return taken

    async def line(self, seconds: float) -> bytes:
        """The next line without its end."""
        while (end := self._data.find(b"\r\n")) < 0:
            if len(self._data) > MAX_HEAD or not await self.more(seconds):
                raise httpcore.RemoteProtocolError("a line of a chunked body without end")
        return self.take(end + 2)[:-2]

    async def some(self, size: int, seconds: float) -> bytes:
        """What comes next, at most ``size`` bytes; b"" at the end of the connection."""
        if not self._data and not await self.more(seconds):
            return b""
        return self.take(size)

    async def more(self, seconds: float) -> bool:
        """Wait until more comes; False once nothing will."""
        if self._ended:
            if self._error is not None:
                raise httpcore.ReadError(str(self._error))
            return False
        self._waiter = self._loop.create_future()
        timer = self._loop.call_later(seconds, self._late, self._waiter)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None
        if self._ended and not self._data and self._error is not None:
            raise httpcore.ReadError(str(self._error))
        return not self._ended or bool(self._data)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _late(self, waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            waiter.set_exception(httpcore.ReadTimeout())


class Answer:
    """A response whose body is still to come, with the names that httpcore's has."""

    def __init__(
        self, client: Client, place: Place, connection: Connection, method: bytes, seconds: float,
        head: tuple[int, list[tuple[bytes, bytes]], bool],
    ) -> None:  # fmt: skip
        self.status, self.headers, keeps = head
        self.extensions: dict[str, Any] = {}
        self._client, self._place, self._connection, self._seconds = client, place, connection, seconds
        fields = dict(self.headers)
        self._keeps = keeps and b"close" not in fields.get(b"connection", b"").lower()
        self._done = False
        coding = fields.get(b"transfer-encoding")
        lengths = {value for name, value in self.headers if name == b"content-length"}
        self._chunked = coding is not None
        self._left: int | None = None
        if method == b"HEAD" or self.status in BODILESS:
            self._chunked, self._left = False, 0
        elif coding is not None:
            if coding.lower() != b"chunked" or lengths:
                raise httpcore.RemoteProtocolError("a body of another coding")
        elif lengths:
            [length] = lengths if len(lengths) == 1 else [b""]
            if not length.isdigit():
                raise httpcore.RemoteProtocolError("a body of two lengths")
            self._left = int(length)
        else:
            self._keeps = False  # it ends with the connection

    async def aiter_stream(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        if self._chunked:
            async for part in self._chunks():
                yield part
        else:
            while self._left != 0:
                part = await self._connection.some(MAX_UNREAD if self._left is None else self._left, self._seconds)
                if not part:
                    if self._left is None:
                        break
                    raise httpcore.RemoteProtocolError("the body ended early")
                if self._left is not None:
                    self._left -= len(part)
                yield part
        self._finish()

    async def _chunks(self) -> AsyncIterator[bytes]:
        connection = self._connection
        while True:
            word = (await connection.line(self._seconds)).partition(b";")[0].strip()
            try:
                left = int(word, 16)
            except ValueError:
                raise httpcore.RemoteProtocolError("a chunk without a size") from None
            if left == 0:
                break
            while left:
                part = await connection.some(left, self._seconds)
                if not part:
                    raise httpcore.RemoteProtocolError("the body ended early")
                left -= len(part)
                yield part
            if await connection.line(self._seconds):
                raise httpcore.RemoteProtocolError("a chunk longer than its size")
        while await connection.line(self._seconds):
            pass  # trailers

    def _finish(self) -> None:
        if not self._done:
            self._done = True
            if self._keeps:
                self._client.keep(self._place, self._connection)
            else:
                self._connection.abort()

    async def aclose(self) -> None:
        """Leave the rest of the body."""
        if not self._done:
            if self._left == 0:
                self._finish()
                return
            self._done = True
            self._connection.abort()


class Client:
    """Asks, over connections that are kept for a while."""

    def __init__(self) -> None:
        self._kept: dict[Place, list[tuple[float, Connection]]] = {}

    async def ask(self, place: Place, request: httpcore.Request, *, connect: float, read: float, kept: float) -> Answer:
        """The response to a request without a body; ``connect``, ``read`` and ``kept`` are seconds.

        :raises httpcore.ConnectError: nothing listens there; and as :meth:`Connection.head`.
        """
        connection = self._take(place, kept) or await self._connect(place, connect)
        target = request.url.target
        lines = [
            request.method + b" " + target + b" HTTP/1.1",
            *(name + b": " + value for name, value in request.headers),
        ]
        connection.send(b"\r\n".join(lines) + b"\r\n\r\n")
        try:
            return Answer(self, place, connection, request.method, read, await connection.head(read))
        except BaseException:
            connection.abort()
            raise

    def keep(self, place: Place, connection: Connection) -> None:
        """Have a connection ready for the next request."""
        kept = self._kept.setdefault(place, [])
        if not connection.fresh or len(kept) >= MAX_KEPT:
            connection.abort()
            return
        kept.append((asyncio.get_running_loop().time(), connection))

    def drop(self, wanted: Callable[[Place], bool] = lambda _: True) -> None:
        """End the idle connections to some places."""
        for place in [place for place in self._kept if wanted(place)]:
            for _, connection in self._kept.pop(place):
                connection.abort()

    def _take(self, place: Place, seconds: float) -> Connection | None:
        since = asyncio.get_running_loop().time() - seconds
        kept = self._kept.get(place, [])
        while kept:
            when, connection = kept.pop()
            if when >= since and connection.fresh:
                return connection
            connection.abort()
        return None

    async def _connect(self, place: Place, seconds: float) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                if place.socket:
                    _, made = await loop.create_unix_connection(Connection, place.socket)
                else:
                    _, made = await loop.create_connection(
                        Connection, place.host, place.port, ssl=place.tls, server_hostname=place.server_name
                    )
        except TimeoutError as error:
            raise httpcore.ConnectTimeout() from error
        except (OSError, ssl.SSLError) as error:
            raise httpcore.ConnectError(str(error)) from error
        return made
