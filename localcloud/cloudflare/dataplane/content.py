"""What the daemon answers for the edge: pictures, their transformation, and objects of public buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localcloud.cloudflare.edge.content import OBJECTS, PART_HEADER, PICTURES, RESIZING
from localcloud.cloudflare.images_service import app, resizing
from localcloud.cloudflare.r2 import public

if TYPE_CHECKING:
    from localcloud.cloudflare.images_service.service import Pictures
    from localcloud.cloudflare.r2.plane import R2Objects


def content(pictures: Pictures, objects: R2Objects) -> Any:
    """The ASGI application; a header field of the edge's says which part a request is for."""
    parts: dict[str, Any] = {
        PICTURES: app.create(pictures),
        RESIZING: resizing.create(pictures),
        OBJECTS: public.create(objects.store, lambda host: objects.domains.get(host)),
    }

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        named = dict(scope["headers"]).get(PART_HEADER.encode(), b"").decode("latin-1")
        await parts[named](scope, receive, send)

    return serve
