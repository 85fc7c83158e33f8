"""The local stack: starts the embedded cloud, makes the stack and its secrets, deploys, and checks what answers."""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from scripts.toolchain import checks, setup
from scripts.toolchain.paths import LOCAL, LOGS, PYTHON, ROOT
from scripts.toolchain.steps import Log, SetupError, Step

SHIM = ROOT / "scripts" / "toolchain" / "shim" / "pulumi"
STACK = "local"
QUIET_SECONDS = 20.0
"""Without a resource done for so long, a line says what is being worked on."""


def start_cloud(log: Log) -> str:
    said = log.run([PYTHON, "-m", "localcloud", "start"]).strip().splitlines()
    return said[0] if said else "running"


def make_stack(log: Log) -> str:
    """The stack, its secrets, and the release it is to run; what is there is left as it is."""
    done = []
    if STACK not in stacks(log):
        log.run([SHIM, "stack", "init", STACK, "--non-interactive"])
        done.append("made")
    said = json.loads(log.run([PYTHON, "-m", "scripts.operator", "secrets", "generate", "-s", STACK, "--json"]))
    if said["made"]:
        done.append(f"{len(said['made'])} secrets made")
    settings = config(log)
    # Another port than the usual one: the program must not ask the cloud of another checkout.
    endpoint = json.loads(log.run([PYTHON, "-m", "localcloud", "status", "--json"]))["endpoint"]
    if settings.get("endpoint") != endpoint:
        log.run([SHIM, "config", "set", "hcloud:endpoint", endpoint, "-s", STACK])
        done.append(f"endpoint {endpoint}")
    path = setup.release_path()
    if settings.get("backendRelease") != path:
        log.run([SHIM, "config", "set", "backendRelease", path, "-s", STACK])
        done.append(f"release {path}")
    return ", ".join(done) or "up to date"


def stacks(log: Log) -> set[str]:
    """Names in the local stack's own state, whichever stack was selected last in this checkout."""
    return {
        str(stack["name"]).rsplit("/", 1)[-1]
        for stack in json.loads(log.run([SHIM, "stack", "ls", "--json", "-s", STACK]))
    }


def config(log: Log) -> dict[str, Any]:
    """The stack's plain settings, without the project's name before the key."""
    values = json.loads(log.run([SHIM, "config", "--json", "-s", STACK]))
    return {key.split(":", 1)[-1]: entry.get("value") for key, entry in values.items()}


STEPS = (
    Step("cloud", "Embedded cloud", start_cloud),
    Step("stack", "Stack local", make_stack),
)


def deploy() -> None:
    """``pulumi up``, a line for each resource that changes. Raises :class:`SetupError` with what Pulumi said."""
    command = [str(SHIM), "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never",
               "--suppress-outputs", "--suppress-progress", "-s", STACK]  # fmt: skip
    log = LOGS / "deploy.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress()
    lines: queue.Queue[str | None] = queue.Queue()
    with log.open("w") as file:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=feed, args=(process, lines), daemon=True).start()
        try:
            follow(lines, file, progress)
        except KeyboardInterrupt:
            # Pulumi was interrupted too: it finishes what it is making, so that nothing is made without being recorded.
            print("       … interrupted: Pulumi finishes what it is working on", flush=True)
            process.wait()
            raise
        status = process.wait()
    if status != 0:
        raise SetupError("\n".join(["pulumi up failed:", *progress.diagnostics(), f"All of it: {log}"]))


def follow(lines: queue.Queue[str | None], file: TextIO, progress: Progress) -> None:
    """Takes lines until the last, saying what is being worked on when none comes for a while."""
    while True:
        try:
            line = lines.get(timeout=QUIET_SECONDS)
        except queue.Empty:
            progress.still()
            continue
        if line is None:
            return
        file.write(line)
        file.flush()
        progress.line(line.rstrip())


def feed(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


class Progress:
    """Of what ``pulumi up`` prints, the lines that say that a resource is done, and what went wrong."""

    STATE = re.compile(
        r"^ *(?P<sign>[-+~]+) +(?P<type>\S+:\S+) (?P<name>\S+) "
        r"(?P<verb>created|updated|deleted|replaced|creating|updating|deleting|replacing)\b"
    )

    def __init__(self, say: Callable[[str], None] = lambda text: print(text, flush=True)) -> None:
        self.started = time.monotonic()
        self.say = say
        self.tail: list[str] = []
        self.working: dict[str, None] = {}
        self.diagnosing = False

    def line(self, line: str) -> None:
        if line.startswith(("Diagnostics:", "error:")):
            self.diagnosing = True
        elif line.startswith("Resources:"):
            self.diagnosing = False
        if self.diagnosing:
            self.tail.append(line)
            return
        found = self.STATE.match(line)
        if found is None or found["type"].startswith(("pulumi:", "opticworks:")):
            # The stack and the components: they are done when all below them is.
            return
        what = f"{found['type'].rsplit(':', 1)[-1]} {found['name']}"
        if found["verb"].endswith("ing"):
            self.working[what] = None
            return
        self.working.pop(what, None)
        self.say(f"       {self.seconds():6.1f} s  {found['sign']:<2} {what} {found['verb']}")

    def still(self) -> None:
        """Says what is being worked on, when nothing has been done for a while."""
        working = list(self.working)[-4:]
        self.say(f"       … {self.seconds():.0f} s: {', '.join(working) or 'starting'}")

    def seconds(self) -> float:
        return time.monotonic() - self.started

    def diagnostics(self) -> list[str]:
        return [line for line in self.tail if line.strip()][:60]


def outputs() -> dict[str, Any]:
    return answer([SHIM, "stack", "output", "--json", "-s", STACK])


def answer(command: list[str | Path]) -> dict[str, Any]:
    """The JSON object that a command prints."""
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if result.returncode != 0:
        raise SetupError(f"`{' '.join(map(str, command))}` failed: {result.stderr.strip() or result.stdout.strip()}")
    return dict(json.loads(result.stdout))


def endpoint() -> tuple[str, str]:
    """The embedded cloud's address and token, as the running daemon says them."""
    said = answer([PYTHON, "-m", "localcloud", "status", "--json"])
    home = Path(os.environ.get("LOCALCLOUD_HOME") or LOCAL / "cloud")
    return str(said["endpoint"]), (home / "token").read_text().strip()


def report() -> bool:
    """Prints the table of addresses, each asked now; whether all of them answered as they should."""
    address, token = endpoint()
    rows = checks.check(outputs(), address, token)
    width = max(len(row.name) for row in rows)
    longest = max(len(row.url) for row in rows)
    for row in rows:
        print(f"  {row.name:<{width}}  {row.url:<{longest}}  {'ok ' if row.ok else 'NOT OK'} {row.said}")
    sys.stdout.flush()
    return all(row.ok for row in rows)
