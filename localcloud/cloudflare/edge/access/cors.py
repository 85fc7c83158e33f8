"""Preflights that Access answers in an application's place: a browser sends no cookie with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.cloudflare.edge import messages
from localcloud.cloudflare.edge.messages import Request, Response


def preflight(request: Request) -> bool:
    """Whether a browser asks what it may ask (Fetch, CORS-preflight request)."""
    return request.method == "OPTIONS" and request.headers.get("access-control-request-method") is not None


def answer(request: Request, settings: Mapping[str, Any]) -> Response:
    """What ``cors_headers`` of the application say; without an allowed origin in it, a browser goes no further."""
    response = messages.text(200, "")
    headers, origin = response.headers, request.headers.get("origin") or ""
    credentials = bool(settings.get("allow_credentials"))
    if settings.get("allow_all_origins"):
        headers.set("access-control-allow-origin", origin if credentials and origin else "*")
    elif origin in (settings.get("allowed_origins") or ()):
        headers.set("access-control-allow-origin", origin)
    else:
        return response
    headers.set("vary", "Origin")
    if credentials:
        headers.set("access-control-allow-credentials", "true")
    for what in ("methods", "headers"):
        asked = request.headers.get(f"access-control-request-{'method' if what == 'methods' else what}")
        allowed = asked if settings.get(f"allow_all_{what}") else ", ".join(settings.get(f"allowed_{what}") or ())
        if allowed:
            headers.set(f"access-control-allow-{what}", allowed)
    if settings.get("max_age") is not None:
        headers.set("access-control-max-age", str(int(settings["max_age"])))
    return response
