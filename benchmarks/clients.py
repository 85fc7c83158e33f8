"""A client of HTTP/1.1 that costs little, so that the server is measured; and how requests are spread in time."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from statistics import quantiles


@dataclass(frozen=True)
class Answer:
    """A response; times in seconds since its request was sent."""

    status: int
    head: bytes
    size: int
    first_byte: float
    whole: float

    def field(self, name: str) -> str:
        """A header field's value, "" without one."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name.encode():
                return value.strip().decode("latin-1")
        return ""


@dataclass(frozen=True)
class Target:
    """Where a server is (a TCP port of loopback or a Unix socket), and the request that it is sent."""

    host: str
    path: str
    port: int = 0
    socket: str = ""
    tls: ssl.SSLContext | None = None
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def request(self) -> bytes:
        lines = [
            f"GET {self.path} HTTP/1.1",
            f"host: {self.host}",
            *(f"{name}: {value}" for name, value in self.fields),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Connection(asyncio.Protocol):
    """One kept connection that takes one request at a time."""

    def __init__(self) -> None:
        self._waiting: asyncio.Future[Answer] | None = None
        self.open = False

    @classmethod
    async def to(cls, target: Target) -> Connection:
        loop = asyncio.get_running_loop()
        if target.socket:
            _, made = await loop.create_unix_connection(cls, target.socket)
        else:
            name = target.host.partition(":")[0] if target.tls else None
            _, made = await loop.create_connection(cls, "127.0.0.1", target.port, ssl=target.tls, server_hostname=name)
        return made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self.open = transport, True

    async def ask(self, request: bytes) -> Answer:
        """Send a request; raises ConnectionError where it gets no whole response."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._first, self._head, self._size, self._length, self._tail = 0.0, b"", 0, 0, b""
        self._sent = time.perf_counter()
        self._transport.write(request)
        return await self._waiting

    def data_received(self, data: bytes) -> None:
        if self._waiting is None:
            return
        if not self._first:
            self._first = time.perf_counter()
        if not self._length:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            self._head, data = self._head[:end], self._head[end + 4 :]
            self._length = self._announced()
        self._size += len(data)
        self._tail = (self._tail + data[-5:])[-5:]
        if self._size == self._length or (self._length < 0 and self._tail == b"0\r\n\r\n") or self._length == 0:
            self._done()

    def _announced(self) -> int:
        """The length that the head announces, -1 for one in chunks."""
        head = self._head.lower()
        place = head.find(b"\r\ncontent-length:")
        if place >= 0:
            return int(head[place + 17 :].split(b"\r\n", 1)[0])
        return -1 if b"\r\ntransfer-encoding: chunked" in head else 0

    def _done(self) -> None:
        now = time.perf_counter()
        status = int(self._head[9:12])
        waiting, self._waiting = self._waiting, None
        assert waiting is not None
        if not waiting.done():
            waiting.set_result(Answer(status, self._head, self._size, self._first - self._sent, now - self._sent))

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError(f"the connection ended: {error}"))

    def close(self) -> None:
        self._transport.close()


@dataclass
class Pool:
    """Kept connections to one server; a request takes one that is free, or another is made."""

    KEPT_SECONDS = 3.0
    """Idle ones are ended then: workerd ends its own after 5 s, and a request must not meet that."""
    target: Target
    _free: list[tuple[float, Connection]] = field(default_factory=list)

    async def ask(self) -> Answer:
        while self._free:
            since, connection = self._free.pop()
            if connection.open and time.monotonic() - since < self.KEPT_SECONDS:
                break
            connection.close()
        else:
            connection = await Connection.to(self.target)
        answer = await connection.ask(self.target.request)
        self._free.append((time.monotonic(), connection))
        return answer

    def close(self) -> None:
        for _, connection in self._free:
            connection.close()


async def steadily(ask: Callable[[], Awaitable[Answer]], rate: float, seconds: float) -> list[Answer | Exception]:
    """``rate`` requests a second, each at its time whether or not the former ones are answered."""
    begun, tasks = time.monotonic(), []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        tasks.append(asyncio.create_task(_told(ask)))
    return await asyncio.gather(*tasks)


async def _told(ask: Callable[[], Awaitable[Answer]]) -> Answer | Exception:
    try:
        return await ask()
    except (OSError, ValueError) as error:
        return error


async def at_once(target: Target, connections: int, seconds: float) -> tuple[float, list[Answer]]:
    """Requests a second of so many connections, each of which asks again once it is answered; and the answers."""
    made = [await Connection.to(target) for _ in range(connections)]
    answers: list[Answer] = []
    request = target.request
    begun = time.perf_counter()

    async def keep_asking(connection: Connection) -> None:
        while time.perf_counter() - begun < seconds:
            answers.append(await connection.ask(request))

    await asyncio.gather(*(keep_asking(connection) for connection in made))
    took = time.perf_counter() - begun
    for connection in made:
        connection.close()
    return len(answers) / took, answers


def p50(values: list[float]) -> float:
    """The median."""
    return quantiles(values, n=2)[0]


def p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]
