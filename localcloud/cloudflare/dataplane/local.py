"""The data plane of this machine: R2's store and S3 server, KV's file, pictures as files, the edge as a process.

What was put in lies below ``home`` (r2/, kv.sqlite, images/) and outlives everything here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localcloud.cloudflare.dataplane.interface import DataPlaneError, Traffic
from localcloud.cloudflare.dataplane.memory import MemoryTraffic
from localcloud.cloudflare.edge.snapshot import Access, Snapshot
from localcloud.cloudflare.images_service import names
from localcloud.cloudflare.images_service.service import Pictures
from localcloud.cloudflare.r2 import store as r2_store
from localcloud.cloudflare.r2.plane import R2Objects
from localcloud.cloudflare.runtime.kv import KvStore
from localcloud.cloudflare.runtime.model import RuntimeFailure

if TYPE_CHECKING:
    from localcloud.cloudflare.edge.process import EdgeProcess
    from localcloud.cloudflare.runtime.model import Version

END_SECONDS = 10.0


class EdgeTraffic:
    """Traffic served by the edge's process; ``schedules`` is what the clock goes by."""

    def __init__(self, edge: EdgeProcess) -> None:
        self._edge = edge
        self.access = Access()
        self.schedules: Mapping[str, tuple[str, ...]] = {}

    def apply(self, snapshot: Snapshot, access: Access, schedules: Mapping[str, tuple[str, ...]]) -> None:
        from dataclasses import replace

        from localcloud.cloudflare.edge.process import EdgeFailure

        self.access, self.schedules = access, schedules
        try:
            program = replace(snapshot.program, scheduled=tuple(sorted(schedules)))
            self._edge.apply(replace(snapshot, access=access, program=program))
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

    def run_scheduled(self, worker: str, expression: str, moment: float) -> str:
        from localcloud.cloudflare.edge.process import EdgeFailure

        try:
            return self._edge.scheduled(worker, expression, moment)
        except (RuntimeFailure, EdgeFailure) as wrong:
            raise DataPlaneError(str(wrong)) from None

    def check_expression(self, expression: str, phase: str) -> None:
        from localcloud.cloudflare.edge.process import check_expression

        try:
            check_expression(expression)
        except ValueError as wrong:
            raise DataPlaneError(str(wrong)) from None


class SocketServer:
    """Answers on a Unix socket, from a thread of its own."""

    def __init__(self, application: Any, path: Path, name: str) -> None:
        self._application = application
        self._path = path
        self._loop = asyncio.new_event_loop()
        self._done = asyncio.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

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

        ready = asyncio.Event()
        waiting = asyncio.create_task(self._tell(ready))
        await server.run(self._application, server.internal(self._path), self._done, ready)
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
        self.pictures = Pictures(home / "images", _address(edge), home / "ca" / "ca.pem" if edge else None)
        self.traffic: Traffic = MemoryTraffic()
        self._servers: list[SocketServer] = []
        self._edge: EdgeProcess | None = None
        if edge is not None:
            from localcloud.cloudflare.dataplane.content import content
            from localcloud.cloudflare.edge.application import Application
            from localcloud.cloudflare.edge.process import EdgeProcess
            from localcloud.cloudflare.runtime.r2_binding import R2Binding

            r2, shown = home / "edge" / "r2.sock", home / "edge" / "content.sock"
            self._servers = [
                SocketServer(Application(R2Binding(self._store).handle), r2, "r2-bindings"),
                SocketServer(content(self.pictures, self.objects), shown, "content"),
            ]
            self._edge = EdgeProcess(
                home, cache, http_port=edge[0], https_port=edge[1], r2_socket=r2, content_socket=shown
            )
            self.traffic = EdgeTraffic(self._edge)

    @property
    def store(self) -> r2_store.Store:
        """R2's objects, for the S3 server."""
        return self._store

    @property
    def edge_pid(self) -> int | None:
        return self._edge.pid if self._edge else None

    def start(self) -> None:
        """Start what has a process or a socket of its own.

        :raises DataPlaneError: the edge does not start.
        """
        if self._edge is None:
            return
        from localcloud.cloudflare.edge.process import EdgeFailure

        for server in self._servers:
            server.start()
        try:
            self._edge.start()
        except EdgeFailure as wrong:
            for server in self._servers:
                server.stop()
            raise DataPlaneError(str(wrong)) from None

    def stop(self) -> None:
        if self._edge is not None:
            self._edge.stop()
        for server in self._servers:
            server.stop()
        self.pictures.close()
        self._store.close()


def _address(edge: tuple[int, int] | None) -> str:
    """Where browsers find pictures."""
    return f"https://{names.HOST}" + (f":{edge[1]}" if edge and edge[1] != 443 else "")
