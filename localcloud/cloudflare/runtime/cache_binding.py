"""The HTTP that workerd speaks for the Cache API: GET looks, PUT keeps a whole response, PURGE forgets."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from localcloud.cloudflare.edge import freshness, messages
from localcloud.cloudflare.edge.messages import Headers, Request, Response

NAMESPACE_HEADER = "cf-cache-namespace"
STATUS_HEADER = "cf-cache-status"
MAX_BYTES = 64 * 2**20
MAX_OBJECT = 16 * 2**20
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Entry:
    """A kept response; ``ends`` in seconds of the clock."""

    status: int
    headers: Headers
    body: bytes
    ends: float


class CacheStore:
    """``caches.default`` and named caches of every zone, in memory: what was used least recently goes first."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._size = 0

    async def answer(self, owner: str, request: Request) -> Response:
        """The response to one call; ``owner`` keeps Workers of different zones apart."""
        key = (owner, request.headers.get(NAMESPACE_HEADER) or "", request.target)
        body = b"".join([chunk async for chunk in request.body]) if request.body else b""
        match request.method:
            case "GET":
                return self._look(key, request)
            case "PUT":
                return self._keep(key, body)
            case "PURGE":
                return messages.text(200 if self._drop(key) else 404, "")
        return messages.text(405, "")

    def _look(self, key: Key, request: Request) -> Response:
        entry = self._entries.get(key)
        if entry is None or entry.ends <= self._clock():
            self._drop(key)
            return _status(messages.text(504, ""), "MISS")
        self._entries.move_to_end(key)
        headers = entry.headers.copy()
        tag = headers.get("etag")
        wanted = {word.strip().removeprefix("W/") for word in (request.headers.get("if-none-match") or "").split(",")}
        if tag is not None and tag.removeprefix("W/") in wanted:
            return _status(Response(304, headers, messages.chunks()), "HIT")
        headers.set("content-length", str(len(entry.body)))
        return _status(Response(entry.status, headers, messages.chunks(entry.body)), "HIT")

    def _keep(self, key: Key, sent: bytes) -> Response:
        status, headers, body = _parse(sent)
        lifetime = _lifetime(headers, self._clock())
        if lifetime <= 0 or len(body) > MAX_OBJECT or headers.get("set-cookie") is not None:
            return messages.text(413, "")  # workerd says nothing of it to the Worker, as Cloudflare does not
        self._drop(key)
        self._entries[key] = Entry(status, headers, body, self._clock() + lifetime)
        self._size += len(body)
        while self._size > MAX_BYTES:
            self._drop(next(iter(self._entries)))
        return messages.text(204, "")

    def _drop(self, key: Key) -> bool:
        entry = self._entries.pop(key, None)
        self._size -= len(entry.body) if entry else 0
        return entry is not None


def _status(response: Response, status: str) -> Response:
    response.headers.set(STATUS_HEADER, status)
    return response


def _parse(sent: bytes) -> tuple[int, Headers, bytes]:
    """The response that a PUT carries: its head as on the wire, its body as it is even where the head says chunked."""
    head, _, body = sent.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    pairs = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    headers = Headers(pairs)
    return int(first.split()[1]), headers.without_hop_by_hop(), body


def _lifetime(headers: Headers, now: float) -> float:
    """Seconds that a response may be kept; without a word about it, Cloudflare keeps it for two hours."""
    told = freshness.directives(headers)
    if told.keys() & {"no-store", "no-cache", "private"}:
        return 0
    for name in ("s-maxage", "max-age"):
        value = told.get(name)
        if value is not None:
            return float(value) if value.isdecimal() else 0
    if expires := headers.get("expires"):
        try:
            return parsedate_to_datetime(expires).timestamp() - now
        except ValueError:
            return 0
    return 7200
