"""A bucket's objects for everybody, under a host name of its own (a custom domain, or r2.dev)."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from localcloud.cloudflare.r2 import cors, objects
from localcloud.cloudflare.r2.call import public_call
from localcloud.cloudflare.r2.conditions import NotModified
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.store import Store


def create(store: Store, bucket_of: Callable[[str], str | None]) -> Starlette:
    """The ASGI application. ``bucket_of``: host name (lower case, no port) → the store's name of its bucket."""

    async def serve(request: Request) -> Response:
        bucket = bucket_of(request.headers.get("host", "").rpartition(":")[0].lower() or request.url.hostname or "")
        shared: dict[str, str] = {}
        try:
            if bucket is None:
                raise R2Error("NoSuchBucket")
            call = public_call(store, request, bucket)
            shared = cors.headers(store.bucket(bucket), call.headers, request.method)
            response = await objects.get(call)
        except NotModified:
            response = Response(status_code=304)
        except R2Error as refused:
            response = PlainTextResponse(refused.message, refused.status, refused.headers)
        response.headers.update(shared)
        return response

    return Starlette(routes=[Route("/{path:path}", serve, methods=["GET", "HEAD"])])
