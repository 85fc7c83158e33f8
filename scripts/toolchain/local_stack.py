"""The local stack: starts the embedded cloud, makes the stack and its secrets, deploys, and checks what answers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from scripts.toolchain import checks, setup
from scripts.toolchain.paths import LOCAL, LOGS, PYTHON, ROOT
from scripts.toolchain.steps import Log, SetupError, Step

SHIM = ROOT / "scripts" / "toolchain" / "shim" / "pulumi"
STACK = "local"


def start_cloud(log: Log) -> str:
    said = log.run([PYTHON, "-m", "localcloud", "start"]).strip().splitlines()
    return said[-1] if said else "running"


def make_stack(log: Log) -> str:
    """The stack, its secrets, and the release it is to run; what is there is left as it is."""
    done = []
    if STACK not in stacks(log):
        log.run([SHIM, "stack", "init", STACK, "--non-interactive"])
        done.append("made")
    said = json.loads(log.run([PYTHON, "-m", "scripts.operator", "secrets", "generate", "-s", STACK, "--json"]))
    if said["made"]:
        done.append(f"{len(said['made'])} secrets made")
    path = setup.release_path()
    if config(log).get("backendRelease") != path:
        log.run([SHIM, "config", "set", "backendRelease", path, "-s", STACK])
        done.append(f"release {path}")
    return ", ".join(done) or "up to date"


def stacks(log: Log) -> set[str]:
    return {str(stack["name"]).rsplit("/", 1)[-1] for stack in json.loads(log.run([SHIM, "stack", "ls", "--json"]))}


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
    command = [SHIM, "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never", "--suppress-outputs",
               "--suppress-progress", "-s", STACK]  # fmt: skip
    started = time.monotonic()
    log = LOGS / "deploy.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=ROOT,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdout
        kept = Progress(started)
        for line in process.stdout:
            file.write(line)
            file.flush()
            kept.line(line.rstrip())
        status = process.wait()
    if status != 0:
        raise SetupError("\n".join(["pulumi up failed:", *kept.diagnostics(), f"All of it: {log}"]))


class Progress:
    """Of what ``pulumi up`` prints, the lines that say that a resource is done, and what went wrong."""

    DONE = re.compile(
        r"^ *(?P<sign>[-+~]+) +(?P<type>\S+:\S+) (?P<name>\S+) (?P<verb>created|updated|deleted|replaced)\b"
    )

    def __init__(self, started: float, say: Callable[[str], None] = lambda text: print(text, flush=True)) -> None:
        self.started = started
        self.say = say
        self.tail: list[str] = []
        self.diagnosing = False

    def line(self, line: str) -> None:
        if line.startswith(("Diagnostics:", "error:")):
            self.diagnosing = True
        if self.diagnosing:
            self.tail.append(line)
            return
        found = self.DONE.match(line)
        if found and not found["type"].startswith("pulumi:"):
            seconds = time.monotonic() - self.started
            kind = found["type"].rsplit(":", 1)[-1]
            self.say(f"       {seconds:6.1f} s  {found['sign']:<2} {kind} {found['name']} {found['verb']}")

    def diagnostics(self) -> list[str]:
        return [line for line in self.tail if line.strip()][:60]


def outputs() -> dict[str, Any]:
    result = subprocess.run(
        [SHIM, "stack", "output", "--json", "-s", STACK], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return dict(json.loads(result.stdout))


def endpoint() -> tuple[str, str]:
    """The embedded cloud's address and token."""
    home = os.environ.get("LOCALCLOUD_HOME") or str(LOCAL / "cloud")
    port = os.environ.get("LOCALCLOUD_PORT", "8470")
    with open(os.path.join(home, "token")) as file:
        return f"http://127.0.0.1:{port}/v1", file.read().strip()


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
