"""The edge as one process: listeners, workerd behind it, and a control socket on which it is told what to serve."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from localcloud.cloudflare.edge import server
from localcloud.cloudflare.edge.access.gate import Gate
from localcloud.cloudflare.edge.application import Application
from localcloud.cloudflare.edge.authority import Authority
from localcloud.cloudflare.edge.content import Content
from localcloud.cloudflare.edge.control import Control
from localcloud.cloudflare.edge.core import Edge, Ports
from localcloud.cloudflare.edge.outbound import Outbound
from localcloud.cloudflare.edge.schedules import Scheduler
from localcloud.cloudflare.edge.snapshot import Snapshot
from localcloud.cloudflare.edge.upstream import Upstream
from localcloud.cloudflare.runtime import install
from localcloud.cloudflare.runtime.bindings import Bindings
from localcloud.cloudflare.runtime.generation import Addresses
from localcloud.cloudflare.runtime.kv import KvStore
from localcloud.cloudflare.runtime.runtime import Runtime

FOLDER_PREFIX = "localcloud-edge-"


@dataclass(frozen=True)
class Settings:
    """Where the edge keeps its files (``home``), what is shared between homes (``cache``), and where it listens."""

    home: Path
    cache: Path
    http_port: int = 8480
    https_port: int = 8443
    addresses: tuple[str, ...] = ("127.0.0.1",)
    r2_socket: Path | None = None
    """Where R2's bindings are answered (:class:`~localcloud.cloudflare.runtime.r2_binding.R2Binding`)."""
    content_socket: Path | None = None
    """Where pictures and public buckets are (:class:`~localcloud.cloudflare.edge.content.Content`)."""
    origin_ports: Ports = field(default_factory=Ports)

    @property
    def control_path(self) -> Path:
        return self.home / "edge" / "control.sock"

    @property
    def log_path(self) -> Path:
        return self.home / "edge" / "workerd.log"


class Service:
    """Runs until it is told to stop; a snapshot comes by :meth:`apply` or over the control socket."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        settings.control_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._authority = Authority(settings.home / "ca")
        self._folder = fresh_folder(settings.control_path.with_name("run"))
        socket = self._folder / "bindings.sock"
        self._bindings_config = server.internal(socket)
        outbound = self._folder / "outbound.sock"
        self._outbound_config = server.internal(outbound)
        self._bindings = Bindings(KvStore(settings.home / "kv.sqlite"))
        self._upstream = Upstream()
        self._runtime = Runtime(
            install.binary(settings.cache),
            addresses=Addresses(
                f"unix:{socket}", f"unix:{settings.r2_socket}" if settings.r2_socket else None, f"unix:{outbound}"
            ),
            log=settings.log_path,
            folder=self._folder,
        )
        ports = replace(settings.origin_ports, public_https=settings.https_port)
        content = Content(self._upstream, settings.content_socket)
        self._edge = Edge(
            self._runtime, self._bindings, self._upstream, ports, content,
            gate=Gate(settings.home / "access", settings.https_port),
        )  # fmt: skip
        self._outbound = Outbound(lambda: self._edge.table, self._edge.handle, self._upstream)
        self._scheduler = Scheduler(lambda: self._edge.table, self._runtime, self._upstream)
        self._ready = [asyncio.Event() for _ in range(4)]

    @property
    def certificate_path(self) -> Path:
        """The authority that clients need to trust, as PEM."""
        return self._authority.certificate_path

    @property
    def workerd_pid(self) -> int | None:
        return self._runtime.pid

    async def apply(self, snapshot: Snapshot) -> None:
        """Serve this from now on.

        :raises RuntimeFailure: its Workers do not run; the former snapshot stays.
        """
        await self._edge.apply(snapshot)

    async def check(self, snapshot: Snapshot) -> None:
        """Whether a snapshot's Workers would run, without serving them.

        :raises RuntimeFailure: they would not, with workerd's words.
        """
        await self._runtime.check(snapshot.program)

    async def scheduled(self, worker: str, expression: str, moment: float) -> str:
        """Run a Worker's ``scheduled`` handler; its outcome (:meth:`Scheduler.run`).

        :raises RuntimeFailure: it does not run here.
        """
        return await self._scheduler.run(worker, expression, moment)

    async def listening(self) -> None:
        """Returns once every listener answers."""
        await asyncio.gather(*(ready.wait() for ready in self._ready))

    async def run(self, done: asyncio.Event) -> None:
        """Serve until ``done`` is set, then end workerd too."""
        settings = self._settings
        public = server.configuration(
            self._authority,
            addresses=settings.addresses,
            http_port=settings.http_port,
            https_port=settings.https_port,
        )
        control = Control(self)
        listeners = (
            (Application(self._bindings.handle), self._bindings_config),
            (Application(self._outbound.handle), self._outbound_config),
            (Application(self._edge.handle, self._edge.replays), public),
            (control.application, server.internal(settings.control_path)),
        )
        try:
            async with asyncio.TaskGroup() as group:
                for (application, config), ready in zip(listeners, self._ready, strict=True):
                    group.create_task(server.run(application, config, done, ready))
        finally:
            await self._runtime.stop()
            await self._upstream.aclose()
            shutil.rmtree(self._folder, ignore_errors=True)


def fresh_folder(link: Path) -> Path:
    """A new folder with a short path, for sockets (107 bytes at most) and Workers' files; ``link`` leads to it.

    What a killed edge left in the folder that the link led to is removed: there are secrets in it.
    """
    if link.is_symlink():
        former = link.readlink()
        if former.name.startswith(FOLDER_PREFIX):
            shutil.rmtree(former, ignore_errors=True)
        link.unlink()
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    link.symlink_to(folder)
    return folder
