"""Delivery: /HASH/PICTURE/VARIANT, below any of the paths that Cloudflare serves it at."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from localcloud.cloudflare.dataplane.interface import Library, Variant
from localcloud.cloudflare.images_service import names, options, signing
from localcloud.cloudflare.images_service.options import OptionError, Options
from localcloud.cloudflare.images_service.service import MissingPicture, Pictures, key_of
from localcloud.cloudflare.images_service.transform import PictureError

TTL = 172_800
"""Seconds for which browsers keep a picture: two days, Cloudflare's default."""
MISSING = "ERROR 5404: Image not found"


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def create(pictures: Pictures, clock: Callable[[], float] = time.time) -> Starlette:
    """The ASGI application. ``clock`` tells whether a signed URL has ended."""

    async def serve(request: Request) -> Response:
        try:
            return await _answer(pictures, request, clock())
        except Refused as refused:
            return PlainTextResponse(str(refused), refused.status, {"cache-control": "no-store"})
        except OptionError as wrong:
            return _failed(9401, str(wrong))
        except PictureError as wrong:
            return _failed(wrong.code, str(wrong))
        except MissingPicture:
            return PlainTextResponse(MISSING, 404, {"cache-control": "no-store"})

    return Starlette(routes=[Route("/{path:path}", serve, methods=["GET", "HEAD"])])


def _failed(code: int, message: str) -> Response:
    return PlainTextResponse(
        f"ERROR {code}: {message}", 400, {"cf-resized": f"err={code}", "cache-control": "no-store"}
    )


async def _answer(pictures: Pictures, request: Request, now: float) -> Response:
    name, wanted, caching = _asked(pictures.library, request, now)
    digest = pictures.digest(name)
    if digest is None:
        raise Refused(404, MISSING)
    accept = request.headers.get("accept", "")
    key = key_of(digest, wanted, accept)
    headers = _headers(key, caching)
    if _same(request.headers.get("if-none-match", ""), headers["etag"]):
        return Response(status_code=304, headers=headers)
    made = await pictures.render(key, partial(pictures.get, name), wanted, accept)
    headers["cf-cache-status"] = "HIT" if made.kept else "MISS"
    return Response(made.content, headers=headers, media_type=made.content_type)


def _asked(library: Library, request: Request, now: float) -> tuple[str, Options, str]:
    """(picture, options, Cache-Control), or :class:`Refused`."""
    raw = (request.scope.get("raw_path") or request.url.path.encode()).decode("latin-1").partition("?")[0]
    parts = unquote(raw.removeprefix(names.DELIVERY)).strip("/").split("/")
    if len(parts) < 3 or parts[0] != library.hash or not library.hash:
        raise Refused(404, MISSING)
    name, last = "/".join(parts[1:-1]), parts[-1]
    picture = library.pictures.get(name)
    if picture is None:
        raise Refused(404, MISSING)
    variant = next((variant for variant in library.variants if variant.name == last), None)
    wanted = _options(library, variant, last)
    if not picture.require_signed_urls or (variant and variant.never_require_signed_urls):
        return name, wanted, f"public, max-age={TTL}, stale-while-revalidate=7200"
    ends = signing.expiry(library.keys, raw, request.url.query, now)
    # Flexible options are not for private pictures, as in Cloudflare: a signature is for a variant.
    if variant is None or ends is None:
        raise Refused(403, "ERROR 5403: The image needs a signed URL that has not expired")
    return name, wanted, f"private, max-age={min(TTL, int(ends - now))}"


def _options(library: Library, variant: Variant | None, last: str) -> Options:
    if variant:
        return options.of_variant(variant.options)
    found = options.of_url(last)
    if found is None:
        raise Refused(404, f"ERROR 5404: Variant {last!r} not found")
    if not library.flexible:
        raise Refused(403, "ERROR 5403: Flexible variants are not enabled")
    return found


def _headers(key: str, caching: str) -> dict[str, str]:
    return {
        "etag": f'"{key[:32]}"',
        "cache-control": caching,
        "vary": "Accept",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; navigate-to 'none'; form-action 'none'",
        "access-control-allow-origin": "*",
        "cf-images": "internal=ok",
        "cf-resized": "internal=ok",
    }


def _same(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in header.split(","))
