"""Static files of a Worker's version, found as Cloudflare finds them; used by the edge and by the ASSETS binding."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from localcloud.cloudflare.edge import messages
from localcloud.cloudflare.edge.messages import Headers, Request, Response, Source
from localcloud.cloudflare.runtime import redirects
from localcloud.cloudflare.runtime.model import AssetFile, Assets

CHUNK = 256 * 1024
CACHE_CONTROL = "public, max-age=0, must-revalidate"
"""What Cloudflare sends with a static file unless ``_headers`` says otherwise."""


@dataclass(frozen=True)
class Found:
    """The answer for a path: a file with its status, or a redirect to ``location``."""

    status: int
    file: AssetFile | None = None
    location: str = ""


def worker_first(assets: Assets, path: str) -> bool:
    """Whether ``run_worker_first`` sends a path to the Worker before its files; ``!`` excepts."""
    setting = assets.config.get("run_worker_first", False)
    if isinstance(setting, bool):
        return setting
    patterns: list[str] = list(setting)
    excepted = [one[1:] for one in patterns if one.startswith("!")]
    if any(fnmatch.fnmatchcase(path, one) for one in excepted):
        return False
    return any(fnmatch.fnmatchcase(path, one) for one in patterns if not one.startswith("!"))


def find(assets: Assets, path: str) -> Found | None:
    """The file for a path as on the wire, by ``html_handling``; None if there is none."""
    name = unquote(path)
    mode = assets.config.get("html_handling", "auto-trailing-slash")
    files = assets.files
    if mode == "none":
        return Found(200, files[name]) if name in files else None
    if name in files and not name.endswith(".html"):
        return Found(200, files[name])
    if name.endswith(".html") and name in files:
        return Found(307, location=quote(_canonical(name, mode)))
    bare = name.rstrip("/")
    flat, index = f"{bare}.html", f"{bare}/index.html"
    if name == "/":
        return Found(200, files["/index.html"]) if "/index.html" in files else None
    slash = name.endswith("/")
    if mode == "auto-trailing-slash":
        wanted = index if slash else flat
        other, location = (flat, bare) if slash else (index, f"{bare}/")
        if wanted in files:
            return Found(200, files[wanted])
        return Found(307, location=quote(location)) if other in files else None
    file = files.get(flat) or files.get(index)
    if file is None:
        return None
    if slash == (mode == "force-trailing-slash"):
        return Found(200, file)
    return Found(307, location=quote(f"{bare}/" if mode == "force-trailing-slash" else bare))


def _canonical(name: str, mode: str) -> str:
    stem = name.removesuffix(".html")
    if stem.endswith("/index"):
        folder = stem.removesuffix("index")
        return (folder.rstrip("/") or "/") if mode == "drop-trailing-slash" else folder
    return f"{stem}/" if mode == "force-trailing-slash" else stem


def moved(assets: Assets, request: Request) -> Response | None:
    """What ``_redirects`` says of a request: a redirect or another path's file, before files and Worker are asked."""
    target = redirects.find(str(assets.config.get("_redirects") or ""), request.path, request.query)
    if target is None:
        return None
    if target.status == 200:
        found = find(assets, target.location)
        return respond(assets, request, found) if found and found.file else None
    location = target.location.encode()
    return Response(target.status, Headers([(b"location", quote_kept(location))]), messages.chunks())


def quote_kept(location: bytes) -> bytes:
    """An address as header fields can have it: what is no printable ASCII in percent."""
    return quote(location, safe="!#$%&'()*+,/:;=?@[]~").encode()


def not_found(assets: Assets, path: str) -> Found | None:
    """What ``not_found_handling`` answers when neither a file nor a Worker does."""
    match assets.config.get("not_found_handling", "none"):
        case "single-page-application" if "/index.html" in assets.files:
            return Found(200, assets.files["/index.html"])
        case "404-page":
            folders = unquote(path).split("/")[:-1]
            for depth in range(len(folders), 0, -1):
                name = "/".join([*folders[:depth], "404.html"])
                if name in assets.files:
                    return Found(404, assets.files[name])
    return None


def respond(assets: Assets, request: Request, found: Found) -> Response:
    """The response with a file, conditional where the client has it already."""
    if found.file is None:
        location = f"{found.location}?{request.query}" if request.query else found.location
        return Response(found.status, Headers([(b"location", location.encode())]), messages.chunks())
    tag = f'"{found.file.etag}"'
    headers = Headers()
    headers.set("content-type", found.file.content_type)
    headers.set("etag", tag)
    headers.set("cache-control", CACHE_CONTROL)
    headers.set("cf-cache-status", "HIT")
    for name, value in custom_headers(str(assets.config.get("_headers", "")), request.path):
        headers.set(name, value) if value is not None else headers.remove(name)
    wanted = {word.strip().removeprefix("W/") for word in (request.headers.get("if-none-match") or "").split(",")}
    if found.status == 200 and tag in wanted:
        headers.remove("content-type")
        return Response(304, headers, messages.chunks())
    size = found.file.path.stat().st_size
    headers.set("content-length", str(size))
    if size > CHUNK or request.method == "HEAD":
        return Response(found.status, headers, _read(found.file.path))
    # A version's files never change.
    return Response(found.status, headers, messages.chunks(found.file.path.read_bytes()), source=Source(lambda: True))


async def _read(path: Path) -> AsyncIterator[bytes]:
    # A regular file's pages are in the kernel's cache: a thread per read would take longer than the read.
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def custom_headers(text: str, path: str) -> Iterable[tuple[str, str | None]]:
    """Fields of a ``_headers`` file for a path: unindented lines are patterns, ``! Name`` takes a field off."""
    applies = False
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not line[0].isspace():
            applies = _pattern(line.strip()).fullmatch(path) is not None
        elif applies and line.strip().startswith("!"):
            yield line.strip()[1:].strip().lower(), None
        elif applies and ":" in line:
            name, _, value = line.strip().partition(":")
            yield name.strip().lower(), value.strip()


def _pattern(text: str) -> re.Pattern[str]:
    escaped = re.escape(text).replace(r"\*", ".*")
    return re.compile(re.sub(r":(\w+)", r"[^/]+", escaped))


async def answer(assets: Assets, request: Request) -> Response:
    """What the ASSETS binding answers: a file, or what stands in for a missing one."""
    if request.method not in ("GET", "HEAD"):
        return messages.text(405, "Method Not Allowed")
    if (other := moved(assets, request)) is not None:
        return other
    found = find(assets, request.path) or not_found(assets, request.path)
    return respond(assets, request, found) if found else messages.text(404, "Not Found")
