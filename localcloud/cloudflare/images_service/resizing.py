"""Transforming a picture that whoever asks sends along: POST /OPTIONS with the original as the body."""

from __future__ import annotations

import asyncio
import hashlib
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from localcloud.cloudflare.images_service import options
from localcloud.cloudflare.images_service.options import OptionError
from localcloud.cloudflare.images_service.service import Pictures, key_of
from localcloud.cloudflare.images_service.transform import SOURCE_BYTES, PictureError

STATUSES = {9401: 400, 9402: 413, 9413: 413, 9520: 415, 9523: 415}
"""HTTP statuses of what goes wrong, by Cloudflare's codes."""


def create(pictures: Pictures) -> Starlette:
    """The ASGI application; an error has its code in ``cf-resized: err=CODE``."""

    async def serve(request: Request) -> Response:
        try:
            return await _answer(pictures, request)
        except OptionError as wrong:
            return _failed(9401, str(wrong))
        except PictureError as wrong:
            return _failed(wrong.code, str(wrong))

    return Starlette(routes=[Route("/{options:path}", serve, methods=["POST"])])


async def _answer(pictures: Pictures, request: Request) -> Response:
    raw = (request.scope.get("raw_path") or request.url.path.encode()).decode("latin-1").partition("?")[0]
    wanted = options.of_url(unquote(raw).strip("/"))
    if wanted is None:
        raise OptionError("no options are given")
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > SOURCE_BYTES:
            raise PictureError(f"The picture has more than {SOURCE_BYTES >> 20} MiB.", 9402)
    original = bytes(content)
    accept = request.headers.get("accept", "")
    digest = await asyncio.to_thread(lambda: hashlib.sha256(original).hexdigest())
    key = key_of(digest, wanted, accept)
    made = await pictures.render(key, lambda: original, wanted, accept)
    return Response(made.content, headers={"etag": f'"{key[:32]}"'}, media_type=made.content_type)


def _failed(code: int, message: str) -> Response:
    return PlainTextResponse(message, STATUSES.get(code, 500), {"cf-resized": f"err={code}"})
