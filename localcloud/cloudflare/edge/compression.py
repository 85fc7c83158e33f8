"""Compression of responses as Cloudflare compresses them: by content type, in an encoding that the client takes."""

from __future__ import annotations

import gzip
import zlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Protocol

import brotli  # type: ignore[import-untyped]
import zstandard

from localcloud.cloudflare.edge import messages
from localcloud.cloudflare.edge.messages import Request, Response

TYPES = frozenset(
    {
        "text/html", "text/richtext", "text/plain", "text/css", "text/x-script", "text/x-component", "text/x-markdown",
        "text/x-java-source", "text/javascript", "text/js", "text/xml", "text/x-cross-domain-policy", "image/x-icon",
        "application/javascript", "application/x-javascript", "application/json", "application/manifest+json",
        "application/xml", "application/xhtml+xml", "application/rss+xml", "application/ld+json", "application/wasm",
        "application/vnd.api+json", "application/atom+xml", "application/opentype", "application/x-font-ttf",
        "application/graphql+json", "application/geo+json", "image/svg+xml", "image/bmp", "font/ttf", "font/otf",
        "image/vnd.microsoft.icon", "application/vnd.ms-fontobject", "multipart/bag", "multipart/mixed",
    }
)  # fmt: skip
PREFERRED = ("br", "zstd", "gzip")
MIN_LENGTH = 50
"""Shorter responses would grow."""
KEPT_BYTES = 32 * 2**20
MAX_KEPT = 4 * 2**20


class Encoder(Protocol):
    def add(self, chunk: bytes) -> bytes: ...
    def end(self) -> bytes: ...


class _Brotli:
    def __init__(self) -> None:
        self._compressor = brotli.Compressor(quality=4)

    def add(self, chunk: bytes) -> bytes:
        # What a page streams is sent on at once.
        return bytes(self._compressor.process(chunk) + self._compressor.flush())

    def end(self) -> bytes:
        return bytes(self._compressor.finish())


class _Gzip:
    def __init__(self) -> None:
        self._compressor = zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | 16)

    def add(self, chunk: bytes) -> bytes:
        return self._compressor.compress(chunk) + self._compressor.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._compressor.flush()


class _Zstd:
    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=3).compressobj()

    def add(self, chunk: bytes) -> bytes:
        return self._compressor.compress(chunk) + self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def end(self) -> bytes:
        return self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH)


ENCODERS: dict[str, type[Encoder]] = {"br": _Brotli, "gzip": _Gzip, "zstd": _Zstd}


def accepted(header: str) -> set[str]:
    """Encodings of an Accept-Encoding field that the client takes (RFC 9110, 12.5.3)."""
    named: dict[str, bool] = {}
    for item in header.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        named[name] = weight.strip("0.") != ""
    anything = named.get("*", False)
    return {name for name in PREFERRED if named.get(name, anything)}


class Compression:
    """Compresses responses; of files that come again it keeps the result."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, ...], bytes] = OrderedDict()
        self._size = 0

    async def apply(self, request: Request, response: Response) -> None:
        """Change a response's body and fields to an encoding that the client takes."""
        headers = response.headers
        takes = accepted(request.accept_encoding)
        own = headers.get("content-encoding")
        if own is not None:
            if own in ("br", "gzip") and own not in takes:
                await _decode(response, own)
            return
        kind = (headers.get("content-type") or "").split(";")[0].strip().lower()
        length = int(headers.get("content-length") or MIN_LENGTH)
        if (
            kind not in TYPES
            or response.status in (204, 206, 304)
            or "no-transform" in (headers.get("cache-control") or "")
        ):
            return
        vary = headers.get("vary")
        if vary is None or "accept-encoding" not in vary.lower():
            headers.set("vary", f"{vary}, accept-encoding" if vary else "accept-encoding")
        encoding = next((name for name in PREFERRED if name in takes), None)
        if encoding is None or length < MIN_LENGTH or request.method == "HEAD":
            return
        tag = headers.get("etag")
        if tag and not tag.startswith("W/"):
            headers.set("etag", f"W/{tag}")  # other bytes: the strong tag is not theirs
        headers.set("content-encoding", encoding)
        headers.remove("content-length")
        if tag and length <= MAX_KEPT and headers.get("cf-cache-status") == "HIT":
            body = await self._whole((request.host, request.target, tag, encoding), response, encoding)
            headers.set("content-length", str(len(body)))
            response.body = messages.chunks(body)
        else:
            response.body = _encode(response.body, ENCODERS[encoding]())

    async def _whole(self, key: tuple[str, ...], response: Response, encoding: str) -> bytes:
        if (found := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return found
        encoder = ENCODERS[encoding]()
        body = encoder.add(await response.read()) + encoder.end()
        self._kept[key] = body
        self._size += len(body)
        while self._size > KEPT_BYTES:
            self._size -= len(self._kept.popitem(last=False)[1])
        return body


async def _encode(body: AsyncIterator[bytes], encoder: Encoder) -> AsyncIterator[bytes]:
    async for chunk in body:
        if encoded := encoder.add(chunk):
            yield encoded
    yield encoder.end()


async def _decode(response: Response, encoding: str) -> None:
    """For a client that does not take what the origin sent, which was asked on Cloudflare's terms."""
    data = await response.read()
    plain = gzip.decompress(data) if encoding == "gzip" else bytes(brotli.decompress(data))
    response.headers.remove("content-encoding")
    response.headers.set("content-length", str(len(plain)))
    response.body = messages.chunks(plain)
