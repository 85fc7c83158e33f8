"""What is done with a request before anything of it is believed: its form, its address, its length."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from localcloud.cloudflare.edge import messages
from localcloud.cloudflare.edge.messages import HOP_BY_HOP, Request, Response

MAX_BODY = 100 * 2**20
"""Bytes of a request's body on the plans Free and Pro; on Business it would be 200 MB, on Enterprise 500 MB."""


class TooLong(Exception):
    """A request's body is longer than the edge takes."""

    def response(self) -> Response:
        text = f"413 Payload Too Large: a request's body may have {MAX_BODY // 2**20} MB"
        return messages.text(413, text)


def refuse(request: Request) -> Response | None:
    """Why a request is not taken, if it is not; what is taken has a path, and no fields but its own.

    A client may name fields of its own in Connection; what the edge adds later must not be dropped by that name.
    """
    headers = request.headers
    length = headers.get("content-length")
    if length is not None and headers.get("transfer-encoding") is not None:
        # RFC 9112, 6.3: two lengths are how a request is smuggled past whoever believes the other one.
        return messages.text(400, "400 Bad Request: Content-Length and Transfer-Encoding")
    if not request.path.startswith("/") and not _origin_form(request):
        return messages.text(400, "400 Bad Request: the target is no path")
    if (named := headers.get("connection")) is not None and named.lower() not in ("keep-alive", "close", "upgrade"):
        words = {word.strip().lower() for value in headers.all("connection") for word in value.split(",")}
        headers.remove(*(words - {"host", *(name.decode() for name in HOP_BY_HOP)}), "connection")
        if "upgrade" in words:
            headers.set("connection", "upgrade")
    if request.body is not None:
        if length is not None and length.isdecimal() and int(length) > MAX_BODY:
            return TooLong().response()
        request.body = _limited(request.body)
    return None


def _origin_form(request: Request) -> bool:
    """Take a whole address apart, as RFC 9112, 3.2.2 has it: it counts, not the Host field."""
    url = urlsplit(request.path)
    if url.scheme not in ("http", "https") or not url.hostname:
        return False
    request.host = url.hostname.rstrip(".")
    request.authority = url.netloc.rpartition("@")[2]
    request.path = url.path or "/"
    request.headers.set("host", request.authority)
    return True


async def _limited(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in body:
        size += len(chunk)
        if size > MAX_BODY:
            raise TooLong
        yield chunk
