"""The edge's cache of origins' responses, in memory: what was used least recently goes first."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from localcloud.cloudflare.edge import freshness, messages
from localcloud.cloudflare.edge.messages import Headers, Request, Response, Source
from localcloud.cloudflare.edge.upstream import OriginError

MAX_BYTES = 96 * 2**20
MAX_OBJECT = 16 * 2**20
CONDITIONS = ("if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range")
Fetch = Callable[[Request], Awaitable[Response]]


@dataclass
class Entry:
    """A kept response; times in seconds of the monotonic clock."""

    status: int
    headers: Headers
    body: bytes
    stored: float
    lifetime: int


class Cache:
    """Answers from what it keeps, or lets ``fetch`` ask the origin and keeps what it may."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._size = 0

    def purge(self, wanted: Callable[[str, Headers], bool]) -> None:
        """Forget the responses that are wanted by address (scheme, host, path, query, variant) and fields."""
        for key in [key for key, entry in self._entries.items() if wanted(key, entry.headers)]:
            self._drop(key)

    def keeps(self, request: Request, settings: Mapping[str, Any], variant: str = "") -> bool:
        """Whether a fresh response to the request is kept."""
        entry = self._entries.get(_key(request, settings, variant))
        return entry is not None and self._clock() < entry.stored + entry.lifetime

    async def answer(
        self, request: Request, zone: Mapping[str, Any], settings: Mapping[str, Any], fetch: Fetch, variant: str = ""
    ) -> Response:
        """The response, with ``cf-cache-status``. ``zone``: its settings; ``settings``: the cache rules'; ``variant``
        tells responses of one address apart."""
        if not freshness.eligible(request, settings):
            response = await fetch(request)
            response.headers.set("cf-cache-status", "BYPASS" if settings.get("cache") is False else "DYNAMIC")
            return response
        key = _key(request, settings, variant)
        entry = self._entries.get(key)
        if entry is not None and self._clock() < entry.stored + entry.lifetime:
            self._entries.move_to_end(key)
            return self._serve(key, entry, request, "HIT")
        return await self._refresh(key, entry, request, zone, settings, fetch)

    async def _refresh(
        self, key: str, entry: Entry | None, request: Request, zone: Mapping[str, Any], settings: Mapping[str, Any],
        fetch: Fetch,
    ) -> Response:  # fmt: skip
        conditions = request.headers.copy()
        request.headers.remove(*CONDITIONS)
        tag = entry.headers.get("etag") if entry else None
        if tag:
            request.headers.set("if-none-match", tag)
        try:
            response = await fetch(request)
        except OriginError:
            if entry is None or "must-revalidate" in freshness.directives(entry.headers):
                raise
            request.headers = conditions
            return self._serve(key, entry, request, "STALE")
        finally:
            request.headers = conditions
        if entry is not None and tag and response.status == 304:
            await response.aclose()
            entry.stored = self._clock()
            return self._serve(key, entry, request, "REVALIDATED")
        lifetime = freshness.seconds(request, response.status, response.headers, settings)
        if lifetime is None:
            response.headers.set("cf-cache-status", "BYPASS")
            return response
        if (told := freshness.browser_seconds(zone, settings, response.headers)) is not None:
            response.headers.set("cache-control", f"max-age={told}")
        kept = response.headers.copy()
        response.headers.set("cf-cache-status", "EXPIRED" if entry else "MISS")
        if request.method == "GET" and response.status != 206:
            response.body = self._keep(key, Entry(response.status, kept, b"", 0, lifetime), response.body)
            if response.status == 200 and _unchanged(request, response.headers):
                async for _ in response.body:
                    pass  # kept for the next; whoever asked has it
                return _not_modified(response.headers, response.resources)
        return response

    async def _keep(self, key: str, entry: Entry, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Pass a body on; keep it once it is whole."""
        parts: list[bytes] = []
        size = 0
        async for chunk in body:
            size += len(chunk)
            if size <= MAX_OBJECT:
                parts.append(chunk)
            yield chunk
        length = entry.headers.get("content-length")
        if size <= MAX_OBJECT and (length is None or int(length) == size):
            entry.body = b"".join(parts)
            entry.stored = self._clock()
            self._put(key, entry)

    def _put(self, key: str, entry: Entry) -> None:
        self._drop(key)
        entry.headers.set("content-length", str(len(entry.body)))
        self._entries[key] = entry
        self._size += len(entry.body)
        while self._size > MAX_BYTES:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: str) -> None:
        if (entry := self._entries.pop(key, None)) is not None:
            self._size -= len(entry.body)

    def _serve(self, key: str, entry: Entry, request: Request, status: str) -> Response:
        headers = entry.headers.copy()
        headers.set("cf-cache-status", status)
        headers.set("age", str(int(self._clock() - entry.stored)))
        if entry.status == 200 and _unchanged(request, headers):
            return _not_modified(headers)
        source = Source(self._holds(key, entry), entry.stored) if status == "HIT" else None
        return Response(entry.status, headers, messages.chunks(entry.body), source=source)

    def _holds(self, key: str, entry: Entry) -> Callable[[], bool]:
        stored = entry.stored
        ends = stored + entry.lifetime

        def holds() -> bool:
            if self._entries.get(key) is not entry or entry.stored != stored or self._clock() >= ends:
                return False
            self._entries.move_to_end(key)
            return True

        return holds


def _key(request: Request, settings: Mapping[str, Any], variant: str) -> str:
    # A fragment is in no request: the address before it is what a purge names.
    return freshness.key(request, settings) + (f"#{variant}" if variant else "")


def _unchanged(request: Request, headers: Headers) -> bool:
    """Whether the client has what these are the headers of (RFC 9110, 13.1.2)."""
    tag = headers.get("etag")
    wanted = {one.strip().removeprefix("W/") for one in (request.headers.get("if-none-match") or "").split(",")}
    return tag is not None and tag.removeprefix("W/") in wanted


def _not_modified(headers: Headers, resources: AsyncExitStack | None = None) -> Response:
    headers.remove("content-length", "content-type", "content-encoding")
    return Response(304, headers, messages.chunks(), resources or AsyncExitStack())
