"""R2's public buckets at the edge: custom domains behind the cache, managed host names without it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from localcloud.cloudflare.edge.cache import Cache
from localcloud.cloudflare.edge.content import OBJECTS, Content
from localcloud.cloudflare.edge.messages import Request, Response

ORIGIN = "public.r2.dev"
"""What the DNS record of a bucket's custom domain leads to."""


class Buckets:
    """Objects for everybody."""

    def __init__(self, content: Content, cache: Cache) -> None:
        self._content = content
        self._cache = cache

    async def managed(self, request: Request) -> Response:
        """Under a managed host name: nothing is kept, as at r2.dev."""
        return await self._ask(request)

    async def answer(self, request: Request, zone: Mapping[str, Any], settings: Mapping[str, Any]) -> Response:
        """Under a custom domain: what may be kept is kept for each origin that asks, by CORS."""
        origin = request.headers.get("origin") or ""
        asked = request.headers.get("range")
        if asked and not self._cache.keeps(request, settings, origin):
            # The store answers a range at once; the whole is not read for it.
            response = await self._ask(request)
            response.headers.set("cf-cache-status", "DYNAMIC")
            return response
        response = await self._cache.answer(request, zone, settings, self._ask, variant=origin)
        return _part(request, response, asked) if asked and response.status == 200 else response

    async def _ask(self, request: Request) -> Response:
        return await self._content.ask(OBJECTS, request)


def _part(request: Request, response: Response, asked: str) -> Response:
    """The range of a whole response, if it is one that can be given."""
    from localcloud.cloudflare.r2 import conditions
    from localcloud.cloudflare.r2.errors import R2Error

    headers = response.headers
    size = int(headers.get("content-length") or 0)
    condition = request.headers.get("if-range")
    if condition and condition not in (headers.get("etag"), headers.get("last-modified")):
        return response
    try:
        span = conditions.span(asked, size)
    except R2Error:
        headers.set("content-range", f"bytes */{size}")
        headers.set("content-length", "0")
        return Response(416, headers, _cut(response.body, 0, 0), response.resources)
    if span is None:
        return response
    first, length = span
    headers.set("content-range", f"bytes {first}-{first + length - 1}/{size}")
    headers.set("content-length", str(length))
    return Response(206, headers, _cut(response.body, first, length), response.resources)


async def _cut(body: AsyncIterator[bytes], first: int, length: int) -> AsyncIterator[bytes]:
    async for chunk in body:
        if length <= 0:
            return
        part = chunk[first : first + length]
        first, length = max(0, first - len(chunk)), length - len(part)
        if part:
            yield part
