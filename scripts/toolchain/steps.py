"""Steps that depend on each other, run as early as they can be, with progress for people and logs for the rest.

Progress goes to stdout, a line when a step ends and one every 20 seconds for what still runs:

    [ 2/8] Python packages          0.0 s  up to date
           … Pulumi CLI 40 s (about 4 min): compiling
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from scripts.toolchain.paths import ROOT

HEARTBEAT_SECONDS = 20.0
PARALLEL = 3
"""Steps at once: they mostly wait for downloads, and two of them compile."""


class SetupError(Exception):
    """A step cannot be done; the message is one or two sentences: what is missing, and what to do."""


@dataclass
class Log:
    """What one step's commands print, in a file; ``note`` is what the progress line says it is doing now."""

    path: Path
    note: str = ""
    show: bool = False
    """Whether the commands' output is also shown as it comes."""
    children: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(
        self, command: Sequence[str | Path], *, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
    ) -> str:
        """Runs a command to its end and returns what it wrote to stdout. Raises :class:`SetupError` if it fails."""
        words = [str(word) for word in command]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            process = subprocess.Popen(
                words,
                cwd=cwd,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise SetupError(f"`{words[0]}` cannot be run: {error.strerror}.") from None
        self.children.append(process)
        with self.path.open("a") as file:
            file.write(f"$ {shlex.join(words)}\n")
            out: list[str] = []
            errors: list[str] = []
            assert process.stdout and process.stderr
            readers = [
                threading.Thread(target=self._read, args=(process.stdout, out, file)),
                threading.Thread(target=self._read, args=(process.stderr, errors, file)),
            ]
            for reader in readers:
                reader.start()
            status = process.wait()
            for reader in readers:
                reader.join()
        self.children.remove(process)
        if status != 0:
            said = [line for line in "".join(errors or out).splitlines() if line.strip()][-12:]
            raise SetupError("\n".join([f"`{shlex.join(words)}` failed ({status}):", *said, f"All of it: {self.path}"]))
        return "".join(out)

    def _read(self, stream: object, lines: list[str], file: object) -> None:
        for line in stream:  # type: ignore[attr-defined]
            lines.append(line)
            file.write(line)  # type: ignore[attr-defined]
            file.flush()  # type: ignore[attr-defined]
            if line.strip():
                self.note = line.strip()[:100]
            if self.show:
                sys.stdout.write("       " + line)
                sys.stdout.flush()

    def stop(self) -> None:
        for child in list(self.children):
            try:
                os.killpg(child.pid, signal.SIGTERM)
            except ProcessLookupError:
                continue


@dataclass(frozen=True)
class Step:
    """One thing to be so. ``run`` makes it so if it is not yet, and says in a few words what there is now."""

    name: str
    title: str
    run: Callable[[Log], str]
    needs: tuple[str, ...] = ()
    usual: str = ""
    """How long it takes the first time, for people who wait."""
    show: bool = False


def execute(steps: Sequence[Step], logs: Path) -> bool:
    """Runs the steps; whether all of them could be done. A failed one stops only those that need it."""
    return Execution(steps, logs).run()


class Execution:
    """One run over a list of steps; names in ``needs`` that are not in the list count as done."""

    def __init__(self, steps: Sequence[Step], logs: Path) -> None:
        names = {step.name for step in steps}
        self.steps = list(steps)
        self.waiting = {step.name: {need for need in step.needs if need in names} for step in steps}
        self.logs = {step.name: Log(logs / f"{step.name}.log", show=step.show) for step in steps}
        self.started: dict[str, float] = {}
        self.failed: dict[str, str] = {}
        self.ended = 0

    def run(self) -> bool:
        running: dict[Future[str], Step] = {}
        pending = list(self.steps)
        with ThreadPoolExecutor(PARALLEL) as pool:
            try:
                while pending or running:
                    for step in [step for step in pending if not self.waiting[step.name]]:
                        pending.remove(step)
                        self.started[step.name] = time.monotonic()
                        running[pool.submit(self._one, step)] = step
                    if not running:
                        break
                    done, _ = wait(running, timeout=HEARTBEAT_SECONDS, return_when=FIRST_COMPLETED)
                    if not done:
                        self._heartbeat(running.values())
                    for future in done:
                        self._end(running.pop(future), future)
            except KeyboardInterrupt:
                for log in self.logs.values():
                    log.stop()
                raise
        for step in pending:
            missing = ", ".join(self._title(name) for name in sorted(self.waiting[step.name]))
            self._line(f"[ -/{len(self.steps)}] {step.title:<22}          not done: needs {missing}")
        return not self.failed

    def _one(self, step: Step) -> str:
        log = self.logs[step.name]
        log.path.parent.mkdir(parents=True, exist_ok=True)
        log.path.write_text("")
        return step.run(log)

    def _end(self, step: Step, future: Future[str]) -> None:
        seconds = time.monotonic() - self.started[step.name]
        self.ended += 1
        try:
            said = future.result()
        except SetupError as error:
            said = f"FAILED\n{error}"
            self.failed[step.name] = str(error)
        else:
            for needs in self.waiting.values():
                needs.discard(step.name)
        first, *rest = said.splitlines() or [""]
        self._line(f"[{self.ended:2}/{len(self.steps)}] {step.title:<22} {seconds:6.1f} s  {first}")
        for line in rest:
            self._line(f"       {line}")

    def _heartbeat(self, steps: object) -> None:
        for step in steps:  # type: ignore[attr-defined]
            log = self.logs[step.name]
            if log.show:
                continue
            seconds = time.monotonic() - self.started[step.name]
            usual = f" (the first time {step.usual})" if step.usual else ""
            self._line(f"       … {step.title} {seconds:.0f} s{usual}: {log.note}")

    def _title(self, name: str) -> str:
        return next(step.title for step in self.steps if step.name == name)

    @staticmethod
    def _line(text: str) -> None:
        print(text.rstrip(), flush=True)
