"""The S3 server: who asks, whether they may, and which operation it is."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from localcloud.cloudflare.r2 import buckets, cors, objects, parts, xml
from localcloud.cloudflare.r2.call import Call, take_apart
from localcloud.cloudflare.r2.conditions import NotModified
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.keys import Keys
from localcloud.cloudflare.r2.signature import verify
from localcloud.cloudflare.r2.store import Store
from localcloud.cloudflare.r2.sweep import sweep

log = logging.getLogger("localcloud.cloudflare.r2")
SWEEP_INTERVAL = 60.0
METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"]
Operation = Callable[[Call], Awaitable[Response]]
MISSING = (
    "accelerate", "acl", "analytics", "encryption", "inventory", "logging", "metrics", "notification", "object-lock",
    "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "replication", "requestPayment", "tagging",
    "versioning", "versions", "website", "torrent", "restore", "select", "legal-hold", "retention", "attributes",
    "lifecycle", "cors",
)  # fmt: skip
"""Subresources that R2 has not, or that are set through the control plane only here."""


def create(
    store: Store, keys: Keys, clock: Callable[[], float] = time.time, sweep_interval: float | None = SWEEP_INTERVAL
) -> Starlette:
    """The ASGI application. ``clock`` is held against signatures' times; ``sweep_interval`` in seconds, None: the
    caller sweeps."""

    async def serve(request: Request) -> Response:
        return await _serve(store, keys, clock, request)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(_sweeping(store, sweep_interval)) if sweep_interval else None
        yield
        if task:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return Starlette(routes=[Route("/{path:path}", serve, methods=METHODS)], lifespan=lifespan)


async def _sweeping(store: Store, interval: float) -> None:
    while True:
        await asyncio.sleep(interval)
        try:
            await run_in_threadpool(sweep, store)
        except Exception:
            log.exception("the lifecycle sweep failed; the next one tries again")


async def _serve(store: Store, keys: Keys, clock: Callable[[], float], request: Request) -> Response:
    shared: dict[str, str] = {"server": "cloudflare"}
    try:
        call = take_apart(store, request)
        shared |= _cors(call)
        if request.method == "OPTIONS":
            if "access-control-allow-origin" not in shared:
                raise R2Error("AccessDenied", "CORS not configured for this bucket, or no rule allows this request.")
            return Response(status_code=204, headers=shared)
        call.sign(verify(call.wire, keys, clock()))
        operation, write, admin = _operation(call)
        if not call.signed.key.may(call.bucket or None, write, admin):
            raise R2Error("AccessDenied")
        response = await operation(call)
    except R2Error as refused:
        response = _refusal(request, refused)
    except NotModified:
        response = Response(status_code=304)
    except ClientDisconnect:
        response = _refusal(request, R2Error("IncompleteBody"))
    except Exception:
        log.exception("%s %s failed", request.method, request.url.path)
        response = _refusal(request, R2Error("InternalError"))
    response.headers.update(shared)
    return response


def _refusal(request: Request, refused: R2Error) -> Response:
    headers = {**refused.headers, "x-amz-request-id": uuid.uuid4().hex}
    if request.method == "HEAD":
        return Response(status_code=refused.status, headers=headers)
    # A body that nobody read to its end would be taken for the next request.
    if request.method in ("PUT", "POST"):
        headers["connection"] = "close"
    body = xml.render("Error", [("Code", refused.code), ("Message", refused.message)], namespace=False)
    return Response(body, refused.status, headers, "application/xml")


def _cors(call: Call) -> dict[str, str]:
    if "origin" not in call.headers or not call.bucket:
        return {}
    with suppress(R2Error):
        method = call.wire.method
        if method == "OPTIONS":
            method = call.headers.get("access-control-request-method", "")
        return cors.headers(call.store.bucket(call.bucket), call.headers, method)
    return {}


def _operation(call: Call) -> tuple[Operation, bool, bool]:
    """The operation, whether it writes, and whether only an administrator's key may."""
    if missing := [name for name in MISSING if name in call.query]:
        raise R2Error("NotImplemented", f"{call.wire.method} with ?{missing[0]} is not implemented.")
    found = _account(call) if not call.bucket else _object(call) if call.key else _bucket(call)
    if found is None:
        raise R2Error("MethodNotAllowed")
    return found


def _account(call: Call) -> tuple[Operation, bool, bool] | None:
    return (buckets.list_buckets, False, False) if call.wire.method == "GET" else None


def _bucket(call: Call) -> tuple[Operation, bool, bool] | None:
    match call.wire.method:
        case "HEAD":
            return buckets.head, False, False
        case "PUT":
            return buckets.create, True, True
        case "DELETE":
            return buckets.delete, True, True
        case "POST" if "delete" in call.query:
            return objects.delete_many, True, False
        case "GET" if "location" in call.query:
            return buckets.location, False, False
        case "GET" if "uploads" in call.query:
            return parts.list_uploads, False, False
        case "GET":
            return buckets.list_objects, False, False
    return None


def _object(call: Call) -> tuple[Operation, bool, bool] | None:
    copying, upload = "x-amz-copy-source" in call.headers, "uploadId" in call.query
    match call.wire.method:
        case "GET" if upload:
            return parts.list_parts, False, False
        case "GET" | "HEAD":
            return objects.get, False, False
        case "PUT" if upload:
            return (parts.copy if copying else parts.put), True, False
        case "PUT":
            return (objects.copy if copying else objects.put), True, False
        case "POST" if "uploads" in call.query:
            return parts.create, True, False
        case "POST" if upload:
            return parts.complete, True, False
        case "DELETE":
            return (parts.abort if upload else objects.delete), True, False
    return None
