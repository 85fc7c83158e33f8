"""The local stack: starts the embedded cloud, makes the stack and its secrets, deploys, and checks what answers."""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from localcloud.__main__ import OLDER_CODE
from localcloud.daemon import ports, remains
from localcloud.daemon.home import Asked, DaemonError, Home
from scripts.toolchain import setup
from scripts.toolchain.paths import LOCAL, LOGS, PYTHON, ROOT
from scripts.toolchain.steps import Log, SetupError, Step

ZONE = "store.localhost"
"""The zone of the local stack (Pulumi.local.yaml: domain)."""
CLOUD = ("--zone", ZONE, "--everything")
PICTURES = setup.STOREFRONT / "public" / "images"
SHIM = ROOT / "scripts" / "toolchain" / "shim" / "pulumi"
STACK = "local"
QUIET_SECONDS = 20.0
"""Without a resource done for so long, a line says what is being worked on."""


def start_cloud(log: Log) -> str:
    said = log.run([PYTHON, "-m", "localcloud", "start", *CLOUD]).strip().splitlines()
    older = [f"{OLDER_CODE}: python -m localcloud stop && scripts/up" for line in said if line.startswith(OLDER_CODE)]
    return "\n".join([*said[:1], *older]) or "running"


def port_problems() -> list[str]:
    """Ports of the embedded cloud that others have, before anything is installed or built."""
    home = Home(cloud_home())
    if home.running() is not None or remains.processes(home.path):
        return []
    try:
        ports.check(ports.of(home.port(), home.cloudflare(Asked(zones=(ZONE,), everything=True))))
    except DaemonError as error:
        return str(error).splitlines()
    return []


def cloud_home() -> Path:
    return Path(os.environ.get("LOCALCLOUD_HOME") or LOCAL / "cloud").absolute()


def make_stack(log: Log) -> str:
    """The stack and its secrets; what is there is left as it is."""
    done = []
    if STACK not in stacks(log):
        log.run([SHIM, "stack", "init", STACK, "--non-interactive"])
        done.append("made")
    said = json.loads(log.run([PYTHON, "-m", "scripts.operator", "secrets", "generate", "-s", STACK, "--json"]))
    if said["made"]:
        done.append(f"{len(said['made'])} secrets made")
    return ", ".join(done) or "up to date"


def configure(log: Log) -> str:
    """What differs from machine to machine, into the stack's file; only what is not as it is to be."""
    settings = config(log)
    wanted = machine_settings(json.loads(log.run([PYTHON, "-m", "localcloud", "status", "--json"])))
    wanted |= {"backendRelease": setup.release_path(), "storefrontBundle": setup.storefront_path()}
    changed = {key: value for key, value in wanted.items() if settings.get(key.split(":", 1)[-1]) != value}
    if not changed:
        return "up to date"
    pairs = [word for key, value in changed.items() for word in ("--plaintext", f"{key}={value}")]
    log.run([SHIM, "config", "set-all", *pairs, "-s", STACK])
    return f"set {', '.join(key.split(':')[-1] for key in changed)}"


def machine_settings(status: Mapping[str, Any]) -> dict[str, str]:
    """What the stack's file says of this machine's cloud, as the running daemon says it: the program must not ask the
    cloud of another checkout."""
    cloudflare = status["cloudflare"]
    return {
        "hcloud:endpoint": str(status["endpoint"]),
        "cloudflare:baseUrl": str(cloudflare["endpoint"]),
        "cloudflareAccountId": str(cloudflare["accountId"]),
        "imagesAccountHash": str(cloudflare["imagesHash"]),
        "publicPort": str(status["edge"]["https"]),
        "r2Endpoint": str(status["s3"]["endpoint"]),
    }


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
    # The daemon says its addresses once it runs, and the stack's file has one writer at a time.
    Step("settings", "Its settings", configure, needs=("cloud", "stack")),
)


def sync_pictures(log: Log) -> str:
    """The shop's pictures into Cloudflare Images."""
    done = json.loads(log.run([PYTHON, "-m", "scripts.operator", "images", "sync", PICTURES, "-s", STACK, "--json"]))
    return f"{len(done['uploaded'])} uploaded, {len(done['unchanged'])} there already"


PICTURE_STEPS = (Step("pictures", "Pictures", sync_pictures),)


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


def report() -> bool:
    """Prints the table of addresses, each asked now; whether all of them answered as they should.

    They are asked by a process in the virtual environment, which has the clients for it.
    """
    command: list[str | Path] = [SHIM, "stack", "output", "--json", "--show-secrets", "-s", STACK]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if found.returncode != 0:
        raise SetupError(f"The stack's outputs cannot be read: {found.stderr.strip() or found.stdout.strip()}")
    words: list[str | Path] = [PYTHON, "-m", "scripts.toolchain.checks", "--home", cloud_home(), "--pictures", PICTURES]
    environment = {**os.environ, "LOCALCLOUD_HOME": str(cloud_home()), "NO_PROXY": "*", "no_proxy": "*"}
    return subprocess.run(words, cwd=ROOT, input=found.stdout, text=True, env=environment).returncode == 0
