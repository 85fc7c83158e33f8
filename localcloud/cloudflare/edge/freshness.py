"""Whether and for how long Cloudflare keeps a response, by its default and by cache rules; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from localcloud.cloudflare.edge.messages import Headers, Request

_EXTENSIONS = """
    7z apk avi avif bin bmp bz2 class css csv dmg doc docx ejs eot eps exe flac gif gz ico iso jar jpeg jpg js mid midi
    mkv mp3 mp4 ogg otf pdf pict pls png ppt pptx ps rar svg svgz swf tar tif tiff ttf webm webp woff woff2 xls xlsx zip
    zst
"""
EXTENSIONS = frozenset(_EXTENSIONS.split())
"""What is kept without a rule."""
STATUS_SECONDS = {200: 7200, 206: 7200, 301: 7200, 302: 1200, 303: 1200, 404: 180, 410: 180}
"""How long a response is kept that says nothing itself."""


def directives(headers: Headers) -> dict[str, str]:
    """The directives of Cache-Control."""
    found: dict[str, str] = {}
    for value in headers.all("cache-control"):
        for item in value.split(","):
            name, _, argument = item.strip().lower().partition("=")
            found[name] = argument.strip('"')
    return found


def eligible(request: Request, settings: Mapping[str, Any]) -> bool:
    """Whether a request may be answered from the cache: by a rule, or by its extension."""
    if request.method not in ("GET", "HEAD"):
        return False
    if "cache" in settings:
        return bool(settings["cache"])
    name = request.path.rsplit("/", 1)[-1]
    return "." in name and name.rpartition(".")[2].lower() in EXTENSIONS


def seconds(request: Request, status: int, headers: Headers, settings: Mapping[str, Any]) -> int | None:
    """How long the edge keeps a response; None where it must not."""
    said = directives(headers)
    edge = settings.get("edge_ttl") or {}
    for one in edge.get("status_code_ttl") or ():
        span = one.get("status_code_range") or {}
        if one.get("status_code") == status or (span and span.get("from", 100) <= status <= span.get("to", 999)):
            return one["value"] if one["value"] > 0 else None
    if edge.get("mode") == "override_origin":
        return edge["default"] if status in STATUS_SECONDS else None
    if (
        {"no-store", "private", "no-cache"} & said.keys()
        or headers.get("set-cookie") is not None
        or headers.get("vary") == "*"
    ):
        return None
    if request.headers.get("authorization") and not {"public", "s-maxage", "must-revalidate"} & said.keys():
        return None
    own = _own(said, headers)
    if own is not None:
        return own if own > 0 else None
    if edge.get("mode") == "bypass_by_default":
        return None
    default = edge.get("default") if edge.get("mode") == "respect_origin" else None
    return default or STATUS_SECONDS.get(status)


def _own(said: Mapping[str, str], headers: Headers) -> int | None:
    for name in ("s-maxage", "max-age"):
        if said.get(name, "").isdigit():
            return int(said[name])
    if (expires := headers.get("expires")) is None:
        return None
    try:
        return int((parsedate_to_datetime(expires) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0


def browser_seconds(zone: Mapping[str, Any], settings: Mapping[str, Any], headers: Headers) -> int | None:
    """The ``max-age`` that a browser is told instead of the origin's; None: the origin's own."""
    rule = settings.get("browser_ttl") or {}
    if rule.get("mode") == "override_origin":
        return int(rule["default"])
    if rule.get("mode") == "bypass":
        return 0
    least = int(zone.get("browser_cache_ttl") or 0)
    own = _own({name: one for name, one in directives(headers).items() if name == "max-age"}, headers)
    return least if least and (own is None or own < least) else None


def key(request: Request, settings: Mapping[str, Any]) -> str:
    """What tells one kept response from another."""
    query = request.query
    custom = ((settings.get("cache_key") or {}).get("custom_key") or {}).get("query_string") or {}
    pairs = query.split("&") if query else []
    excluded, included = custom.get("exclude") or {}, custom.get("include") or {}
    if excluded.get("all") or (included and not included.get("all") and not included.get("list")):
        pairs = []
    elif excluded.get("list"):
        pairs = [one for one in pairs if one.partition("=")[0] not in excluded["list"]]
    elif included.get("list"):
        pairs = [one for one in pairs if one.partition("=")[0] in included["list"]]
    if (settings.get("cache_key") or {}).get("ignore_query_strings_order"):
        pairs.sort()
    return f"{request.scheme}://{request.host}{request.path}?{'&'.join(pairs)}"
