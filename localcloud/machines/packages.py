"""A cache for Debian packages between machines and the mirrors.

It answers the plain-HTTP connections that machines make (the hub redirects them here, so nothing has to be set in
machines). Files that never change under their name (``.deb``, by-hash indices) are kept on disk for all instances;
everything else is fetched afresh. A file that several machines ask for at once is fetched once, and each reads along
while it comes.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.machines import relay

MAX_HEAD = 64 * 1024
KEEP_BYTES = 6 * 1024**3
"""Size of the store past which the files not used for longest are removed, at each start."""
CHUNK = 256 * 1024


@dataclass
class Request:
    """The head of a request; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    raw: bytes

    @property
    def host(self) -> str:
        return self.headers.get("host", "")

    @property
    def cacheable(self) -> bool:
        path = self.target.split("?")[0]
        return self.method == "GET" and (path.endswith((".deb", ".udeb")) or "/by-hash/" in path)

    @property
    def plain(self) -> bool:
        """Whether it is a request without a body that can be passed on by itself."""
        return self.method in ("GET", "HEAD") and "upgrade" not in self.headers and "content-length" not in self.headers


def parse_head(raw: bytes) -> Request:
    """Parse a request's head; ValueError when it is not one."""
    lines = raw.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = dict(line.split(":", 1) for line in lines[1:] if ":" in line)
    return Request(method, target, {name.lower().strip(): value.strip() for name, value in headers.items()}, raw)


@dataclass
class Download:
    """A file on its way from the mirror to the store; ``grown`` is notified as it grows and when it ends."""

    path: Path
    total: int = -1
    written: int = 0
    failed: bool = False
    grown: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def _notify(self) -> None:
        async with self.grown:
            self.grown.notify_all()

    async def past(self, count: int) -> None:
        """Wait until there are more than ``count`` bytes; OSError when the download fails first."""
        async with self.grown:
            await self.grown.wait_for(lambda: self.failed or self.written > count)
        if self.failed:
            raise OSError("the download failed half-way")

    async def run(self, request: Request, address: str, port: int, final: Path) -> None:
        """Fetch the file; at the end it is whole under ``final``, or ``failed`` is set."""
        try:
            reader, writer = await relay.connect(address, port)
            try:
                lines = [f"GET {request.target} HTTP/1.1", f"Host: {request.host}", "Connection: close",
                         f"User-Agent: {request.headers.get('user-agent', 'localcloud')}", "", ""]  # fmt: skip
                writer.write("\r\n".join(lines).encode("latin-1"))
                status, headers, _ = await read_response_head(reader)
                if status != 200 or "content-length" not in headers:
                    raise OSError(f"status {status}")
                size = int(headers["content-length"])
                with self.path.open("wb") as file:
                    self.total = size
                    while self.written < size and (data := await reader.read(CHUNK)):
                        file.write(data)
                        file.flush()
                        self.written += len(data)
                        await self._notify()
            finally:
                writer.close()
            if self.written != size:
                raise OSError("the mirror ended the connection early")
            self.path.rename(final)
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self.failed = True
            self.path.unlink(missing_ok=True)
        await self._notify()


async def read_response_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and the raw head of a response."""
    raw = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    lines = raw.decode("latin-1").split("\r\n")
    headers = dict(line.split(":", 1) for line in lines[1:] if ":" in line)
    return int(lines[0].split(" ", 2)[1]), {key.lower().strip(): value.strip() for key, value in headers.items()}, raw


class Store:
    """The store of one cache directory, and the downloads that are under way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: dict[str, Download] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        folder.mkdir(parents=True, exist_ok=True)

    def prune(self) -> None:
        """Remove abandoned downloads, and the files not used for longest while the store is over its size."""
        entries = [
            (path.stat().st_mtime, path.stat().st_size, path) for path in self.folder.iterdir() if path.is_file()
        ]
        total = sum(size for _, size, _ in entries)
        for used, size, path in sorted(entries):
            stale = path.suffix == ".part" and used < time.time() - 3600
            if stale or (total > KEEP_BYTES and path.suffix != ".part"):
                path.unlink(missing_ok=True)
                total -= size

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a machine's connection until it ends."""
        try:
            address, port = relay.original_destination(writer)
            if writer.get_extra_info("sockname")[1] == port:
                return
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                request = parse_head(raw)
                if request.cacheable:
                    # A file that could not be fetched into the store is passed on, with whatever the mirror says of it.
                    served = await self._serve_file(request, address, port, writer)
                    if not served and not await self._pass_on(request, address, port, writer):
                        return
                elif request.plain:
                    if not await self._pass_on(request, address, port, writer):
                        return
                else:
                    upstream = await relay.connect(address, port)
                    upstream[1].write(request.raw)
                    await relay.splice((reader, writer), upstream)
                    return
                if request.headers.get("connection", "").lower() == "close":
                    return
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()

    async def _serve_file(self, request: Request, address: str, port: int, writer: asyncio.StreamWriter) -> bool:
        """Serve from the store, fetching first what is not there; False when it has to be passed on instead."""
        key = hashlib.sha256(f"{request.host}{request.target}".encode()).hexdigest()
        final = self.folder / key
        download = self._running.get(key)
        if download is None and final.exists():
            os.utime(final)
            await self._send(writer, final, final.stat().st_size, None)
            return True
        if download is None:
            download = Download(self.folder / f"{key}.{uuid.uuid4().hex}.part")
            self._running[key] = download
            task = asyncio.get_running_loop().create_task(download.run(request, address, port, final))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda _: self._running.pop(key, None))
        async with download.grown:
            await download.grown.wait_for(lambda: download.failed or download.written > 0 or download.total == 0)
        if download.failed:
            return False
        await self._send(writer, download.path if download.path.exists() else final, download.total, download)
        return True

    async def _send(self, writer: asyncio.StreamWriter, path: Path, size: int, download: Download | None) -> None:
        with path.open("rb") as file:
            writer.write(
                f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n".encode()
            )
            sent = 0
            while sent < size:
                data = file.read(CHUNK)
                if not data:
                    assert download is not None
                    await download.past(sent)
                    continue
                sent += len(data)
                writer.write(data)
                await writer.drain()

    async def _pass_on(self, request: Request, address: str, port: int, writer: asyncio.StreamWriter) -> bool:
        """Pass one request on; whether the machine's connection can take another."""
        upstream, sender = await relay.connect(address, port)
        try:
            skip = ("connection", "proxy-connection", "keep-alive")
            lines = [f"{request.method} {request.target} HTTP/1.1"]
            lines += [f"{name}: {value}" for name, value in request.headers.items() if name not in skip]
            sender.write("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))
            status, headers, raw = await read_response_head(upstream)
            bodyless = request.method == "HEAD" or status in (204, 304)
            known = bodyless or "content-length" in headers
            kept = [line for line in raw.decode("latin-1").split("\r\n")[:-2]
                    if not line.lower().startswith("connection:")]  # fmt: skip
            kept += [] if known else ["Connection: close"]
            writer.write("\r\n".join([*kept, "", ""]).encode("latin-1"))
            left = 0 if bodyless else int(headers.get("content-length", -1))
            while left != 0 and (data := await upstream.read(CHUNK)):
                left -= len(data) if left > 0 else 0
                writer.write(data)
                await writer.drain()
            return known and left == 0
        finally:
            sender.close()
