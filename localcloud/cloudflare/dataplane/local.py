"""The data plane of this machine: R2's store and S3 server, KV's file, pictures as files, the edge as a process.

What was put in lies below ``home`` (r2/, kv.sqlite, images/) and outlives everything here.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.cloudflare.dataplane.interface import Access, DataPlaneError, Library, Traffic
from localcloud.cloudflare.dataplane.memory import PICTURES, MemoryTraffic
from localcloud.cloudflare.r2 import store as r2_store
from localcloud.cloudflare.r2.plane import R2Objects
from localcloud.cloudflare.runtime.kv import KvStore
from localcloud.cloudflare.runtime.model import RuntimeFailure

if TYPE_CHECKING:
    from localcloud.cloudflare.edge.process import EdgeProcess
    from localcloud.cloudflare.edge.snapshot import Snapshot
    from localcloud.cloudflare.runtime.model import Version

END_SECONDS = 10.0


class EdgeTraffic:
    """Traffic served by the edge's process. Access and schedules are kept for whoever asks, and not acted on yet."""

    def __init__(self, edge: EdgeProcess) -> None:
        self._edge = edge
        self.access = Access()
        self.schedules: Mapping[str, tuple[str, ...]] = {}

    def apply(self, snapshot: Snapshot, access: Access, schedules: Mapping[str, tuple[str, ...]]) -> None:
        from localcloud.cloudflare.edge.process import EdgeFailure

        self.access, self.schedules = access, schedules
        try:
            self._edge.apply(snapshot)
        except (RuntimeFailure, EdgeFailure) as wrong:
            raise DataPlaneError(str(wrong)) from None

    def check_version(self, version: Version, snapshot: Snapshot) -> None:
        from dataclasses import replace

        from localcloud.cloudflare.edge.process import EdgeFailure

        primary = {**snapshot.program.primary, version.worker: version.id}
        program = replace(snapshot.program, versions=(*snapshot.program.versions, version), primary=primary)
        try:
            self._edge.check(replace(snapshot, program=program))
        except (RuntimeFailure, EdgeFailure) as wrong:
            raise DataPlaneError(str(wrong)) from None

    def check_expression(self, expression: str, phase: str) -> None:
        from localcloud.cloudflare.edge.process import check_expression

        try:
            check_expression(expression)
        except ValueError as wrong:
            raise DataPlaneError(str(wrong)) from None


class FilePictures:
    """Originals as files, named by the SHA-256 of the picture's id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.library = Library("", "")

    def _path(self, name: str) -> Path:
        return self._folder / hashlib.sha256(name.encode()).hexdigest()

    def apply(self, library: Library) -> None:
        self.library = library

    def put(self, name: str, content: bytes) -> None:
        if not any(content.startswith(mark) for mark in PICTURES):
            raise DataPlaneError("The uploaded file is not an image of a supported format (PNG, JPEG, GIF, WebP, SVG)")
        draft = self._path(name).with_suffix(f".{threading.get_ident()}")
        draft.write_bytes(content)
        draft.replace(self._path(name))

    def get(self, name: str) -> bytes | None:
        with suppress(FileNotFoundError):
            return self._path(name).read_bytes()
        return None

    def delete(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)


class BindingsServer:
    """Answers Workers' R2 bindings on a Unix socket, from a thread of its own."""

    def __init__(self, store: r2_store.Store, path: Path) -> None:
        self._store = store
        self._path = path
        self._loop = asyncio.new_event_loop()
        self._done = asyncio.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="r2-bindings", daemon=True)

    def start(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path.unlink(missing_ok=True)
        self._thread.start()
        self._listening.wait(END_SECONDS)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._done.set)
            self._thread.join(END_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        from localcloud.cloudflare.edge import server
        from localcloud.cloudflare.edge.application import Application
        from localcloud.cloudflare.runtime.r2_binding import R2Binding

        ready = asyncio.Event()
        waiting = asyncio.create_task(self._tell(ready))
        handle = Application(R2Binding(self._store).handle)
        await server.run(handle, server.internal(self._path), self._done, ready)
        waiting.cancel()

    async def _tell(self, ready: asyncio.Event) -> None:
        await ready.wait()
        self._listening.set()


class LocalDataPlane:
    """Everything on this machine. Without ``edge`` (HTTP and HTTPS ports) nobody is served by host name."""

    def __init__(self, home: Path, cache: Path, edge: tuple[int, int] | None = None) -> None:
        self._store = r2_store.Store(home / "r2")
        self.objects = R2Objects(self._store)
        self.values = KvStore(home / "kv.sqlite")
        self.pictures = FilePictures(home / "images")
        self.traffic: Traffic = MemoryTraffic()
        self._bindings: BindingsServer | None = None
        self._edge: EdgeProcess | None = None
        if edge is not None:
            from localcloud.cloudflare.edge.process import EdgeProcess

            socket = home / "edge" / "r2.sock"
            self._bindings = BindingsServer(self._store, socket)
            self._edge = EdgeProcess(home, cache, http_port=edge[0], https_port=edge[1], r2_socket=socket)
            self.traffic = EdgeTraffic(self._edge)

    @property
    def store(self) -> r2_store.Store:
        """R2's objects, for the S3 server."""
        return self._store

    def start(self) -> None:
        """Start what has a process or a socket of its own.

        :raises DataPlaneError: the edge does not start.
        """
        if self._bindings is None or self._edge is None:
            return
        from localcloud.cloudflare.edge.process import EdgeFailure

        self._bindings.start()
        try:
            self._edge.start()
        except EdgeFailure as wrong:
            self._bindings.stop()
            raise DataPlaneError(str(wrong)) from None

    def stop(self) -> None:
        if self._edge is not None:
            self._edge.stop()
        if self._bindings is not None:
            self._bindings.stop()
        self._store.close()
