"""One run of workerd with one configuration. A change is a new generation: the old one ends once it answers nobody."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localcloud.cloudflare.runtime import capnp, watchdog
from localcloud.cloudflare.runtime.model import Program, RuntimeFailure, Version

START_SECONDS = 30.0
"""Longest that workerd may take to listen; it takes 0.3 s."""
END_SECONDS = 5.0
FOLLOWS_PARENT = [found, "--pdeathsig", "KILL", "--"] if (found := shutil.which("setpriv")) else []
"""Ends workerd with the process that started it, even when that is killed (util-linux)."""


@dataclass(frozen=True)
class Addresses:
    """Where workerd finds what it does not do itself, as it writes addresses (``unix:PATH``, ``HOST:PORT``).

    ``r2``: None where no R2 is served; ``outbound``: a proxy for ``fetch``, None: straight, to this machine only.
    """

    bindings: str
    r2: str | None = None
    outbound: str | None = None


class Generation:
    """A running workerd; ``sockets`` maps version ids to the Unix sockets that answer for them."""

    def __init__(self, folder: Path, process: asyncio.subprocess.Process, sockets: dict[str, str]) -> None:
        self.sockets = sockets
        self._folder = folder
        self._process = process
        self.exceeded = ""
        """What a Worker took too much of, if it was ended for that."""
        self.replaced = asyncio.Event()
        """Set once another one answers in its place."""
        self._requests = 0
        self._retired = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it answers; one that is being ended for what it took does not."""
        return self._process.returncode is None and not self.exceeded

    async def ended(self) -> None:
        """Wait until the process has ended, for whatever reason."""
        await self._process.wait()

    async def watch(self) -> None:
        """Return once the process has ended; end it if a Worker of it takes all that there is."""
        versions = len(self.sockets.keys() - {capnp.SCHEDULER, capnp.ALIVE})
        looking = asyncio.create_task(watchdog.exceeded(self.pid, self.sockets[capnp.ALIVE], versions))
        ended = asyncio.create_task(self.ended())
        try:
            await asyncio.wait((looking, ended), return_when=asyncio.FIRST_COMPLETED)
            if looking.done() and self.alive:
                self.exceeded = looking.result()
                self._process.kill()
            await ended
        finally:
            looking.cancel()
            ended.cancel()

    @contextlib.contextmanager
    def lease(self) -> Iterator[Generation]:
        """Keep this generation alive for a request."""
        self._requests += 1
        self._idle.clear()
        try:
            yield self
        finally:
            self._requests -= 1
            if not self._requests:
                self._idle.set()

    async def retire(self, grace: float) -> None:
        """End it once its requests are answered, after ``grace`` seconds at the latest."""
        with contextlib.suppress(TimeoutError):  # a response that streams for ever keeps no old version
            await asyncio.wait_for(self._idle.wait(), grace)
        await self.stop()

    async def stop(self) -> None:
        """End it now."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), END_SECONDS)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


async def start(binary: Path, program: Program, *, addresses: Addresses, log: Path, parent: Path) -> Generation:
    """Run the program, its files in a new folder of ``parent``; returns once every version answers.

    :raises RuntimeFailure: workerd refuses the configuration or a Worker's script, with its words.
    """
    folder = Path(tempfile.mkdtemp(prefix="workerd-", dir=parent))
    try:
        return await _start(binary, program, folder, addresses, log)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


async def _start(binary: Path, program: Program, folder: Path, addresses: Addresses, log: Path) -> Generation:
    running = [version for version in program.versions if version.modules]
    sockets = {version.id: str(folder / f"{index}.sock") for index, version in enumerate(running)}
    if capnp.scheduled_versions(program):
        sockets[capnp.SCHEDULER] = str(folder / "scheduler.sock")

    sockets[capnp.ALIVE] = str(folder / "alive.sock")

    def module_path(version: Version, index: int) -> str:
        path = folder / f"{running.index(version)}-{index}"
        path.write_bytes(version.modules[index].content)
        return path.name

    text = capnp.render(
        program,
        sockets=sockets,
        bindings_address=addresses.bindings,
        r2_address=addresses.r2,
        outbound_address=addresses.outbound,
        module_path=module_path,
    )
    config = folder / "config.capnp"
    config.touch(mode=0o600)  # it holds secrets
    config.write_text(text)
    read_end, write_end = os.pipe()
    with log.open("ab") as output:
        said_before = output.tell()
        process = await asyncio.create_subprocess_exec(
            *FOLLOWS_PARENT, binary, "serve", f"--control-fd={write_end}", "--experimental", config.name,
            cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
            pass_fds=[write_end], start_new_session=True,
        )  # fmt: skip
    os.close(write_end)
    generation = Generation(folder, process, sockets)
    listening = asyncio.create_task(_listening(read_end, set(sockets)))
    looping = asyncio.create_task(watchdog.startup_exceeded(process.pid, len(running)))
    try:
        await asyncio.wait((listening, looping), timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            raise TimeoutError
        listening.result()
    except (TimeoutError, RuntimeFailure):
        await _end_failed(generation)
        if looping.done():
            raise RuntimeFailure("Script startup exceeded CPU time limit.") from None
        words = log.read_bytes()[said_before:].decode(errors="replace")
        raise RuntimeFailure(f"workerd does not run this configuration:\n{words.strip()}") from None
    finally:
        listening.cancel()
        looping.cancel()
        await asyncio.wait((listening, looping))
        os.close(read_end)
    return generation


async def _end_failed(generation: Generation) -> None:
    """End the process, leave its folder: what it said is in there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(generation.pid, signal.SIGKILL)
    await generation.ended()


async def _listening(descriptor: int, expected: set[str]) -> None:
    """Read workerd's notices until each socket listens."""
    loop = asyncio.get_running_loop()
    stream = asyncio.StreamReader()
    pipe = os.fdopen(os.dup(descriptor), "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), pipe)
    try:
        while expected:
            line = await stream.readline()
            if not line:
                raise RuntimeFailure("workerd ended")
            notice = json.loads(line)
            if notice.get("event") == "listen":
                expected.discard(notice["socket"])
    finally:
        transport.close()
