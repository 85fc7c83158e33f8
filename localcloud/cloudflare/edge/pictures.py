"""Pictures at the edge: the account's own in their variants, and anybody's transformed by URL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from localcloud.cloudflare.edge import messages
from localcloud.cloudflare.edge.cache import Cache
from localcloud.cloudflare.edge.content import PICTURES, RESIZING, Content
from localcloud.cloudflare.edge.messages import Headers, Request, Response
from localcloud.cloudflare.edge.routing import Table
from localcloud.cloudflare.edge.upstream import OriginError
from localcloud.cloudflare.images_service import names, options
from localcloud.cloudflare.images_service.options import OptionError

VIA = "image-resizing-proxy"
"""Named in ``Via`` of the request for a source, so that a loop is seen."""
SOURCE_BYTES = 70 * 2**20
AT_ONCE = 8
"""Sources that are in memory at the same time."""
REDIRECTS = 4
KEPT = ("cache-control", "expires", "last-modified", "cache-tag", "content-security-policy")
"""Of a source's response, what its transformed picture has too."""
Fetch = Callable[[Request], Awaitable[Response]]


class ResizeError(Exception):
    """No transformed picture; ``code`` is Cloudflare's for the reason."""

    def __init__(self, code: int, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Pictures:
    """Answers below ``/cdn-cgi/imagedelivery`` and ``/cdn-cgi/image``."""

    def __init__(self, content: Content, cache: Cache) -> None:
        self._content = content
        self._cache = cache
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def deliver(self, request: Request) -> Response:
        """A variant of one of the account's pictures. What was made before is kept by who makes it."""
        return await self._content.ask(PICTURES, request)

    async def resize(self, table: Table, request: Request, fetch: Fetch) -> Response:
        """A picture at another address, transformed. ``fetch`` answers the request for it, as the edge answers any."""
        zone = table.zone(request.host)
        mode = _mode(zone.settings if zone else {})
        if mode == "off":
            # No cf-resized: nothing was tried.
            return messages.text(404, f"Transformations are not enabled for the zone of {request.host}.\n")
        takes = names.taken(request.headers.get("accept") or "")
        try:
            given, source = _asked(request)
        except ResizeError as wrong:
            return _refusal(wrong)

        async def make(_: Request) -> Response:
            return await self._made(table, request, (given, source), mode == "open", fetch)

        try:
            return await self._cache.answer(
                request, zone.settings if zone else {}, {"cache": True}, make, variant=takes
            )
        except (ResizeError, OriginError) as failed:
            error = failed if isinstance(failed, ResizeError) else ResizeError(9504, 504, f"the source: {failed}")
            if "onerror=redirect" in given.split(","):
                told = messages.text(302, "", location=source, cf_resized=f"err={error.code}")
                told.headers.set("cache-control", "no-store")
                return told
            return _refusal(error)

    async def _made(
        self, table: Table, request: Request, asked: tuple[str, str], anywhere: bool, fetch: Fetch
    ) -> Response:
        given, source = asked
        if VIA in (request.headers.get("via") or ""):
            raise ResizeError(9403, 403, "the source is a transformed picture itself: a request loop")
        response = await self._source(table, request, source, anywhere, fetch)
        # Only from here on: what the source itself waits for must not wait for us.
        async with self._at_once:
            made = await self._transformed(request, given, response)
        for name in KEPT:
            if (value := response.headers.get(name)) is not None:
                made.headers.set(name, value)
        made.headers.set("vary", "Accept")
        made.headers.set("x-content-type-options", "nosniff")
        made.headers.set("cf-resized", f"internal=ok/- q=0 n=0 c=0 l={made.headers.get('content-length') or 0}")
        return made

    async def _transformed(self, request: Request, given: str, source: Response) -> Response:
        try:
            _check_source(source)
            body = await _limited(source)
        finally:
            await source.aclose()
        takes = names.taken(request.headers.get("accept") or "").encode()
        headers = Headers([(b"accept", takes), (b"content-length", str(len(body)).encode())])
        ask = replace(request, method="POST", path=f"/{given}", query="", headers=headers, body=messages.chunks(body))
        made = await self._content.ask(RESIZING, ask)
        if made.status == 200:
            return made
        try:
            told = (await made.read()).decode(errors="replace")
        finally:
            await made.aclose()
        code = (made.headers.get("cf-resized") or "").removeprefix("err=")
        raise ResizeError(int(code) if code else 9523, made.status if code else 502, told)

    async def _source(self, table: Table, request: Request, source: str, anywhere: bool, fetch: Fetch) -> Response:
        for _ in range(REDIRECTS):
            ask = _subrequest(request, source)
            zone = table.zone(request.host)
            if not anywhere and table.zone(ask.host) != zone:
                raise ResizeError(9408, 403, f"{ask.host} is not in the zone {zone.name if zone else ''}")
            if not table.destination(ask.scheme, ask.host, ask.path).known:
                raise ResizeError(9407, 530, f"{ask.host} is no host name of this edge")
            response = await fetch(ask)
            if response.status not in (301, 302, 303, 307, 308):
                return response
            await response.aclose()
            # Behind a public port or not, the host name is what is asked for.
            source = urljoin(f"{ask.scheme}://{ask.host}{ask.target}", response.headers.get("location") or "")
        raise ResizeError(9421, 502, "the source redirects too many times")


def _mode(settings: Mapping[str, Any]) -> str:
    """``off``, ``on`` (pictures of the zone) or ``open`` (of any host name), by either of the settings for it."""
    told = {str(settings.get(name) or "off") for name in ("transformations", "image_resizing")}
    return next((mode for mode in ("open", "on") if mode in told), "off")


def _asked(request: Request) -> tuple[str, str]:
    """(options, the source's address) as they stand in the URL, the options checked."""
    given, _, source = request.path.removeprefix(f"{names.RESIZING}/").partition("/")
    if request.query:
        source = f"{source}?{request.query}"
    try:
        known = options.of_url(unquote(given))
    except OptionError as wrong:
        raise ResizeError(9401, 400, str(wrong)) from None
    if known is None:
        raise ResizeError(9401, 400, "no options are given")
    if not source:
        raise ResizeError(9401, 400, "no source is given")
    address = names.source(source)
    if not address.startswith(("/", "http://", "https://")) or (address[0] != "/" and not urlsplit(address).hostname):
        raise ResizeError(9406, 400, f"the source {source} is no address by https")
    return given, address


def _subrequest(request: Request, source: str) -> Request:
    parts = urlsplit(source)
    host = (parts.hostname or request.host).lower()
    headers = Headers([(b"host", host.encode()), (b"accept", b"image/*"), (b"via", f"1.1 {VIA}".encode())])
    if agent := request.headers.get("user-agent"):
        headers.set("user-agent", agent)
    return replace(
        request, method="GET", scheme=parts.scheme or request.scheme, host=host, authority=host,
        path=parts.path or "/", query=parts.query, headers=headers, body=None, accept_encoding="",
    )  # fmt: skip


def _check_source(response: Response) -> None:
    if response.headers.get("cf-resized"):
        raise ResizeError(9403, 403, "the source is a transformed picture itself: a request loop")
    if response.status == 404:
        raise ResizeError(9404, 404, "the source is not there")
    if 400 <= response.status < 500:
        raise ResizeError(9408, response.status, f"the source answers {response.status}")
    if response.status >= 500:
        raise ResizeError(9509, 502, f"the source answers {response.status}")
    kind = (response.headers.get("content-type") or "").split(";")[0].strip().lower()
    if kind.startswith(("text/", "application/json")):
        raise ResizeError(9412, 415, f"the source is no picture but {kind}")


async def _limited(response: Response) -> bytes:
    parts, size = [], 0
    async for chunk in response.body:
        parts.append(chunk)
        size += len(chunk)
        if size > SOURCE_BYTES:
            raise ResizeError(9402, 413, f"the source has more than {SOURCE_BYTES >> 20} MiB")
    return b"".join(parts)


def _refusal(wrong: ResizeError) -> Response:
    refused = messages.text(wrong.status, f"ERROR {wrong.code}: {wrong}\n", cf_resized=f"err={wrong.code}")
    refused.headers.set("cache-control", "no-store")
    return refused
