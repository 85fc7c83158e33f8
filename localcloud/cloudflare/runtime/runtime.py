"""The Workers runtime: a program is applied, and requests find the socket of the version they are for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from localcloud.cloudflare.runtime import generation
from localcloud.cloudflare.runtime.generation import Addresses, Generation
from localcloud.cloudflare.runtime.model import Program, ResourceLimit, RuntimeFailure

GRACE_SECONDS = 30.0
"""How long requests of a replaced program may go on."""
RESTART_SECONDS = 1.0
NOTICE_SECONDS = 0.5
"""Until a process that ended its connections is known to have ended itself."""

logger = logging.getLogger(__name__)


class Runtime:
    """Runs one program at a time; :meth:`apply` changes it without dropping a request."""

    def __init__(self, binary: Path, *, addresses: Addresses, log: Path, folder: Path) -> None:
        self._binary = binary
        self._addresses = addresses
        self._log = log
        self._folder = folder
        self._program = Program()
        self._current: Generation | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """workerd's process id; None when no Worker runs."""
        return self._current.pid if self._current else None

    async def apply(self, program: Program) -> None:
        """Run this program from now on.

        :raises RuntimeFailure: it does not run; the former program goes on.
        """
        async with self._lock:
            if program == self._program and (self._current is None or self._current.alive):
                return
            await self._replace(program)

    async def check(self, program: Program) -> None:
        """Whether a program would run, without running it for anybody.

        :raises RuntimeFailure: it would not, with workerd's words.
        """
        if (tried := await self._start(program)) is not None:
            await tried.stop()

    def runs(self, version_id: str) -> bool:
        """Whether a version has a script that answers."""
        return self._current is not None and version_id in self._current.sockets

    @contextlib.contextmanager
    def lease(self, version_id: str) -> Iterator[str]:
        """The Unix socket that answers for a version, kept alive for as long as the request takes.

        :raises RuntimeFailure: the version does not run.
        :raises ResourceLimit: workerd was ended meanwhile, because a Worker took too much.
        """
        current = self._current
        if current is None or version_id not in current.sockets:
            raise RuntimeFailure(f"version {version_id} does not run")
        try:
            with current.lease():
                yield current.sockets[version_id]
        except Exception:
            if current.exceeded:
                raise ResourceLimit(f"workerd was ended: a Worker took {current.exceeded}") from None
            raise

    async def ready(self) -> None:
        """Return once workerd answers again, if it has ended by itself."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                while (current := self._current) is not None and not current.alive and not self._stopping:
                    await current.replaced.wait()

    async def replaced(self, pid: int | None) -> bool:
        """Whether another workerd answers now in place of ``pid``, which left somebody without an answer."""
        current = self._current
        if current is not None and current.pid == pid:
            try:
                async with asyncio.timeout(NOTICE_SECONDS):
                    await current.ended()
            except TimeoutError:
                return False
            await self.ready()
        return self.pid != pid

    @property
    def alive(self) -> bool:
        """Whether workerd runs, or need not."""
        return self._current is None or self._current.alive

    async def stop(self) -> None:
        """End workerd, and every older run of it."""
        self._stopping = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._current:
            await self._current.stop()
            self._current.replaced.set()
            self._current = None

    async def _start(self, program: Program) -> Generation | None:
        if not any(version.modules for version in program.versions):
            return None
        return await generation.start(
            self._binary, program, addresses=self._addresses, log=self._log, parent=self._folder
        )

    async def _replace(self, program: Program) -> None:
        former, self._current = self._current, await self._start(program)
        self._program = program
        if former:
            former.replaced.set()
            self._spawn(former)
        if self._current:
            self._keep(self._current)

    def _spawn(self, former: Generation) -> None:
        self._track(asyncio.create_task(self._retire(former)))

    async def _retire(self, former: Generation) -> None:
        try:
            await former.retire(GRACE_SECONDS)
        finally:
            await asyncio.shield(former.stop())

    def _keep(self, current: Generation) -> None:
        self._track(asyncio.create_task(self._restart_when_ended(current)))

    async def _restart_when_ended(self, watched: Generation) -> None:
        await watched.watch()
        if watched is not self._current or self._stopping:
            return
        why = f": a Worker took {watched.exceeded}" if watched.exceeded else " by itself"
        logger.warning("workerd ended%s; starting it again", why)
        async with self._lock:
            while watched is self._current and not self._stopping:
                try:
                    await self._replace(self._program)
                except RuntimeFailure as error:
                    logger.error("%s", error)
                    await asyncio.sleep(RESTART_SECONDS)

    def _track(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
