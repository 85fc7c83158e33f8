"""A bucket's objects for everybody, under a host name of its own (a custom domain, or the managed one)."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from localcloud.cloudflare.r2 import cors, objects
from localcloud.cloudflare.r2.call import describe, public_call
from localcloud.cloudflare.r2.conditions import NotModified
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.store import Store

KEPT = ("etag", "last-modified", "cache-control", "expires")
"""Of an object's headers, what a 304 repeats (RFC 9110, 15.4.5)."""


def create(store: Store, bucket_of: Callable[[str], str | None]) -> Starlette:
    """The ASGI application. ``bucket_of``: host name (lower case, no port) → the store's name of its bucket."""

    async def serve(request: Request) -> Response:
        shared: dict[str, str] = {}
        try:
            bucket = bucket_of(request.headers.get("host", "").partition(":")[0].lower())
            if bucket is None:
                raise R2Error("NoSuchBucket")
            call = public_call(store, request, bucket)
            if request.method == "OPTIONS":
                return _preflight(cors.headers(store.bucket(bucket), call.headers, _asked_method(request)))
            shared = cors.headers(store.bucket(bucket), call.headers, request.method)
            response = await objects.get(call)
        except NotModified:
            assert bucket is not None
            told = describe(store.get(bucket, call.key), checksums=False)
            response = Response(status_code=304, headers={name: told[name] for name in KEPT if name in told})
        except R2Error as refused:
            response = PlainTextResponse(refused.message, refused.status, refused.headers)
        response.headers.update(shared)
        return response

    return Starlette(routes=[Route("/{path:path}", serve, methods=["GET", "HEAD", "OPTIONS"])])


def _asked_method(request: Request) -> str:
    return request.headers.get("access-control-request-method", "")


def _preflight(shared: dict[str, str]) -> Response:
    return Response(status_code=204 if shared else 403, headers=shared)
