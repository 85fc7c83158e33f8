"""A clean checkout of this working tree in a folder of its own, with a cloud, a state and ports of its own.

It is brought up by its own `scripts/up`, so what these tests run is what a newcomer types. Nothing of the checkout that
the tests were started from is touched; what is shared is the machine's cache (system images, packages, releases).
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from scripts.operator import http

ROOT = Path(__file__).resolve().parents[3]
# What a shell with scripts/env, or pytest's own, would leak into the checkout's commands.
FOREIGN = ("PULUMI_", "HCLOUD_", "CLOUDFLARE_", "LOCALCLOUD_", "OPTICWORKS_", "PYTHONPATH", "PYTEST_")
TRUST = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
PORTS = (
    "LOCALCLOUD_PORT", "LOCALCLOUD_CLOUDFLARE_PORT", "LOCALCLOUD_EDGE_PORT", "LOCALCLOUD_EDGE_HTTP_PORT",
    "LOCALCLOUD_S3_PORT",
)  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """A command that ended. `said` is both outputs, for an assertion's message."""

    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """The last of what was said, errors last."""
        return (self.stdout[-6000:] + "\n" + self.stderr[-6000:]).strip()

    def json(self) -> Any:
        """stdout as JSON."""
        return json.loads(self.stdout)


@dataclass
class Checkout:
    """One checkout. Commands run in it as in a fresh shell; `shell` runs them after `. scripts/env`."""

    root: Path
    ports: dict[str, int]
    """By the variable that says it."""
    seconds: dict[str, float] = field(default_factory=dict)
    table: str = ""
    """What scripts/up ended with: a line for each address, and what it answered."""

    @property
    def environment(self) -> dict[str, str]:
        """The test's own environment without what belongs to another checkout; the ports are the only thing set."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        # A machine's own authorities stay, another checkout's go with its scripts/env.
        kept = {name: value for name, value in kept.items() if name not in TRUST or not value.endswith("/bundle.pem")}
        path = kept["PATH"].split(os.pathsep)
        kept["PATH"] = os.pathsep.join(p for p in path if "venv/" not in p and not p.startswith(str(ROOT)))
        return kept | {name: str(port) for name, port in self.ports.items()} | {"NO_PROXY": "*", "no_proxy": "*"}

    def run(self, *argv: str, check: bool = True, timeout: float = 600) -> Ran:
        """Run a command in the checkout; with `check`, a failure is the test's, with what the command said."""
        done = subprocess.run(
            argv, cwd=self.root, env=self.environment, text=True, errors="replace", capture_output=True,
            stdin=subprocess.DEVNULL, timeout=timeout,
        )  # fmt: skip
        ran = Ran(done.returncode, done.stdout, done.stderr)
        assert not check or ran.code == 0, f"{' '.join(argv)} ended with {ran.code}:\n{ran.said}"
        return ran

    def shell(self, line: str, *, check: bool = True, timeout: float = 600) -> Ran:
        """A line as the README has it, in a shell that sourced scripts/env."""
        return self.run("bash", "-c", f". scripts/env && {line}", check=check, timeout=timeout)

    def up(self, *, check: bool = True) -> Ran:
        """`pulumi up`; how long it took is kept under "up"."""
        started = time.monotonic()
        ran = self.shell("pulumi up --yes --skip-preview --non-interactive --color never -s local", check=check)
        self.seconds["up"] = time.monotonic() - started
        return ran

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        return dict(self.shell("pulumi stack output --json -s local").json())

    def status(self) -> dict[str, Any]:
        """`store status --json`; its exit code is not looked at."""
        return dict(self.run("scripts/store", "status", "--json", check=False).json())

    @property
    def cloud(self) -> Path:
        """Where the checkout's embedded cloud keeps its state."""
        return self.root / ".local" / "cloud"

    @property
    def port(self) -> int:
        """Where the embedded Hetzner Cloud answers."""
        return self.ports["LOCALCLOUD_PORT"]

    @property
    def authority(self) -> Path:
        """What the embedded edge's certificates are signed with."""
        return self.cloud / "ca" / "ca.pem"

    def client(self, base_url: str = "", **options: Any) -> httpx.Client:
        """A client for the checkout's addresses, those below .localhost among them."""
        return http.client(base_url, authority=self.authority, **{"timeout": 10, **options})

    @property
    def token(self) -> str:
        """The embedded cloud's token."""
        return (self.cloud / "token").read_text().strip()

    @property
    def daemon(self) -> int:
        """The embedded cloud's process."""
        return int((self.cloud / "daemon.pid").read_text().split()[0])

    @contextmanager
    def api(self) -> Iterator[httpx.Client]:
        """The embedded cloud itself, faults and journal included (paths from the root: /v1/…, /_localcloud/…)."""
        headers, url = {"Authorization": f"Bearer {self.token}"}, f"http://127.0.0.1:{self.port}"
        with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as client:
            yield client


def make(folder: Path) -> Checkout:
    """Copy the working tree, tracked and new files alike, and give it free ports."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file() or source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    return Checkout(folder, dict(zip(PORTS, free_ports(len(PORTS)), strict=True)))


def free_ports(number: int) -> list[int]:
    """Ports on loopback that nobody listens on, each another one."""
    with ExitStack() as held:
        found = [held.enter_context(socket.socket()) for _ in range(number)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in found]


def eventually(what: str, holds: Callable[[], object], seconds: float, every: float = 0.2) -> float:
    """Wait until `holds` is true and return how long it took; the test fails with `what` and the last value."""
    started, last = time.monotonic(), None
    while time.monotonic() - started < seconds:
        last = holds()
        if last:
            return time.monotonic() - started
        time.sleep(every)
    raise AssertionError(f"after {seconds} s still not: {what} (last seen: {last!r})")


def names(entries: Sequence[dict[str, Any]]) -> list[str]:
    """The names of API objects, sorted."""
    return sorted(entry["name"] for entry in entries)
