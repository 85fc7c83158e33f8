"""A throw-away copy of the project, with a state, configuration and embedded cloud of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
CLI = ROOT / ".local" / "toolchain" / "pulumi"
HOME = ROOT / ".local" / "pulumi"
LINKED = ("__main__.py", "components", "scripts", "Pulumi.yaml", ".venv")
CONFIGURED_BY_OTHERS = ("HCLOUD_", "PULUMI_", "OPTICWORKS_", "LOCALCLOUD_")


@dataclass(frozen=True)
class Cloud:
    """An embedded cloud with machines in memory: the whole API, and nothing boots."""

    endpoint: str
    token: str

    def ask(self, path: str) -> Any:
        """What the API answers to a GET of `path` below /v1."""
        import httpx

        answer = httpx.get(f"{self.endpoint}{path}", headers={"Authorization": f"Bearer {self.token}"}, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def fail(self, method: str, path: str, *, status: int, code: str, message: str) -> None:
        """Let the next request of that method and path fail like that, once."""
        import httpx

        fault = {"method": method, "path": f"^{path}$", "status": status, "code": code, "message": message, "times": 1}
        root = self.endpoint.removesuffix("/v1")
        httpx.post(f"{root}/_localcloud/faults", json=fault, trust_env=False).raise_for_status()


@contextmanager
def cloud(home: Path) -> Iterator[Cloud]:
    """Run an embedded cloud below `home` for as long as the context lasts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def localcloud(*words: str) -> subprocess.CompletedProcess[str]:
        words = (sys.executable, "-m", "localcloud", *words, "--home", str(home))
        return subprocess.run(words, cwd=ROOT, text=True, capture_output=True, timeout=60, env=_clean())

    started = localcloud("start", "--port", str(port), "--machines", "memory")
    assert started.returncode == 0, started.stdout + started.stderr
    try:
        yield Cloud(f"http://127.0.0.1:{port}/v1", (home / "token").read_text().strip())
    finally:
        localcloud("stop")


@dataclass(frozen=True)
class Project:
    """A folder in which `pulumi` works on a copy of a stack's file."""

    folder: Path
    cloud: Cloud

    def pulumi(self, *words: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        variables = _clean() | {
            "PULUMI_HOME": str(HOME),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "a test's",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "HCLOUD_TOKEN": self.cloud.token,
        }
        done = subprocess.run(
            [str(CLI), *words, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=variables,
            text=True,
            capture_output=True,
            input=stdin,
            timeout=300,
        )
        assert not check or done.returncode == 0, f"pulumi {' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done

    def set(self, stack: str, key: str, value: str, secret: bool = False) -> None:
        how = ("--secret",) if secret else ()
        self.pulumi("config", "set", key, *how, "--stack", stack, stdin=value)

    def preview(self, stack: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.pulumi("preview", "--json", "--stack", stack).stdout)
        return found


def project(folder: Path, cloud: Cloud, stack: str) -> Project:
    """Make the copy in `folder` with that stack, its endpoint being `cloud`; what its owner has to give is not set."""
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / f"Pulumi.{stack}.yaml", folder)
    (folder / "state").mkdir()
    made = Project(folder, cloud)
    made.pulumi("stack", "init", stack)
    made.set(stack, "hcloud:endpoint", cloud.endpoint)
    return made


def password() -> str:
    return secrets.token_urlsafe(32)


def _clean() -> dict[str, str]:
    """This process's variables without those that would point a command at another cloud, state or stack."""
    return {name: value for name, value in os.environ.items() if not name.startswith(CONFIGURED_BY_OTHERS)}
