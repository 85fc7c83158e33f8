"""What protects the daemon's own addresses, which ask for no token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

Endpoint = Callable[[Request], Awaitable[Response]]
REFUSAL = {
    "code": "forbidden",
    "message": "this is asked by programs on this machine, not by web pages",
    "details": None,
}


def no_page(endpoint: Endpoint) -> Endpoint:
    """Refuse what a web page sends: any site open in a browser here could kill a server, or read the journal."""

    async def guarded(request: Request) -> Response:
        if "origin" in request.headers or request.url.hostname not in ("127.0.0.1", "localhost"):
            return JSONResponse({"error": REFUSAL}, 403)
        return await endpoint(request)

    return guarded


async def whole_body(request: Request, most: int) -> bytes | None:
    """The whole body, or None when it has more than ``most`` bytes; it is read to its end all the same."""
    content = bytearray()
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= most:
            content += chunk
    return bytes(content) if size <= most else None
