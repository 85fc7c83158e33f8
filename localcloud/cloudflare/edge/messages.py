"""A request and a response on their way through the edge."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from typing import Any

Pairs = list[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding "
    b"upgrade http2-settings".split()
)


class Headers:
    """Header fields in order, by case-insensitive name; values are text in Latin-1, as on the wire."""

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self.pairs: Pairs = [(name.lower(), value) for name, value in pairs]

    def get(self, name: str, default: str | None = None) -> str | None:
        wanted = name.encode()
        for one, value in self.pairs:
            if one == wanted:
                return value.decode("latin-1")
        return default

    def all(self, name: str) -> list[str]:
        wanted = name.encode()
        return [value.decode("latin-1") for one, value in self.pairs if one == wanted]

    def set(self, name: str, value: str) -> None:
        self.remove(name)
        self.add(name, value)

    def add(self, name: str, value: str) -> None:
        self.pairs.append((name.encode(), value.encode("latin-1", "replace")))

    def remove(self, *names: str) -> None:
        wanted = {name.encode() for name in names}
        self.pairs = [pair for pair in self.pairs if pair[0] not in wanted]

    def without_hop_by_hop(self) -> Headers:
        """A copy for the next hop (RFC 9110, 7.6.1)."""
        named = {word.strip().lower().encode() for value in self.all("connection") for word in value.split(",")}
        dropped = HOP_BY_HOP | named
        return Headers(pair for pair in self.pairs if pair[0] not in dropped)

    def copy(self) -> Headers:
        return Headers(self.pairs)


@dataclass(frozen=True)
class Caller:
    """The Worker that makes a request, the name of its zone (empty for none) and how many Workers stand before it.

    ``past_routes``: the request is for what is behind its zone's routes, as without ``global_fetch_strictly_public``.
    """

    worker: str
    zone: str
    past_routes: bool
    depth: int


@dataclass
class Request:
    """A request as a client made it; ``path`` and ``query`` as on the wire, ``host`` in lower case without a port."""

    method: str
    scheme: str
    host: str
    authority: str
    path: str
    query: str
    headers: Headers
    client_ip: str
    http_version: str
    body: AsyncIterator[bytes] | None
    ray: str = ""
    accept_encoding: str = ""
    caller: Caller | None = None
    repeatable: bool = False
    """Nothing but the request itself and what is declared has decided about its response."""
    websocket: bool = False
    """It is a WebSocket's handshake."""

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    @cached_property
    def cookies(self) -> dict[str, str]:
        jar: SimpleCookie = SimpleCookie()
        for value in self.headers.all("cookie"):
            try:
                jar.load(value)
            except CookieError:
                continue
        return {name: morsel.value for name, morsel in jar.items()}


@dataclass(frozen=True)
class Source:
    """Where a response is from that may be sent again for as long as ``holds`` says so.

    ``stored``: when the cache got it, in seconds of the monotonic clock; None: its age is not told.
    """

    holds: Callable[[], bool]
    stored: float | None = None


class Whole:
    """A body that is there already, as the one chunk that it is."""

    def __init__(self, data: bytes) -> None:
        self.data: bytes | None = data

    def __aiter__(self) -> Whole:
        return self

    async def __anext__(self) -> bytes:
        data, self.data = self.data, None
        if not data:
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        self.data = None


@dataclass
class Response:
    """A response; whoever takes it sends ``body`` or leaves it, and then calls :meth:`aclose`."""

    status: int
    headers: Headers
    body: AsyncIterator[bytes]
    resources: AsyncExitStack = field(default_factory=AsyncExitStack)
    source: Source | None = None
    """What to send it again by, where that is known."""
    upgraded: Any = None
    """The connection behind a response with status 101, to be read and written (httpcore's network stream)."""

    @property
    def whole(self) -> bytes | None:
        """The body, if it is there already and nothing of it was taken."""
        return self.body.data if isinstance(self.body, Whole) else None

    async def aclose(self) -> None:
        await self.resources.aclose()

    async def read(self) -> bytes:
        """The whole body."""
        return b"".join([chunk async for chunk in self.body])


def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """The body that these are together."""
    return Whole(b"".join(parts))


def text(status: int, message: str, **headers: str) -> Response:
    """A response that the edge makes itself."""
    body = message.encode()
    fields = Headers([(b"content-type", b"text/plain; charset=UTF-8"), (b"content-length", str(len(body)).encode())])
    for name, value in headers.items():
        fields.set(name.replace("_", "-"), value)
    return Response(status, fields, chunks(body))
