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
CONFIGURED_BY_OTHERS = ("HCLOUD_", "CLOUDFLARE_", "PULUMI_", "OPTICWORKS_", "LOCALCLOUD_")
ZONE = "optic.works"
"""The zone that is there, of both stacks."""
STACK = "test"
"""The stack of small programs, and below what is done with it."""
UP = ("up", "--yes", "--skip-preview", "--stack", STACK)
NOTHING = ("preview", "--expect-no-changes", "--stack", STACK)
REFRESH = ("refresh", "--yes", "--expect-no-changes", "--stack", STACK)
DESTROY = ("destroy", "--yes", "--skip-preview", "--stack", STACK)


@dataclass(frozen=True)
class Cloud:
    """An embedded cloud with machines in memory: the whole API, and nothing boots."""

    endpoint: str
    token: str
    cloudflare: str
    """Where its Cloudflare answers, and below its token, its account and the hash of its images."""
    cloudflare_token: str
    account: str
    images_hash: str

    def ask(self, path: str) -> Any:
        """What the API answers to a GET of `path` below /v1."""
        import httpx

        answer = httpx.get(f"{self.endpoint}{path}", headers={"Authorization": f"Bearer {self.token}"}, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    @property
    def zone(self) -> str:
        """Id of the zone."""
        return str(self.cloudflare_api("GET", f"/zones?name={ZONE}")[0]["id"])

    def cloudflare_api(self, method: str, path: str, **body: Any) -> Any:
        """The result that Cloudflare's API gives to its owner."""
        import httpx

        headers = {"Authorization": f"Bearer {self.cloudflare_token}"}
        answer = httpx.request(method, f"{self.cloudflare}{path}", json=body or None, headers=headers, trust_env=False)
        return answer.raise_for_status().json()["result"]

    def token_without(self, *names: str) -> str:
        """A token that may do everything but what the permission groups of those names (without Read, Write) open."""
        tokens = f"/accounts/{self.account}/tokens"
        groups = [
            group
            for group in self.cloudflare_api("GET", f"{tokens}/permission_groups")
            if group["name"].rsplit(" ", 1)[0] not in names
        ]
        account = "com.cloudflare.api.account"
        policies = [
            {
                "effect": "allow",
                "permission_groups": [{"id": group["id"]} for group in groups if group["scopes"] == [scope]],
                "resources": {f"{scope}.{id}": "*"},
            }
            for scope, id in ((account, self.account), (f"{account}.zone", self.zone))
        ]
        return str(self.cloudflare_api("POST", tokens, name="a test's", policies=policies)["value"])

    def fail(self, method: str, path: str, *, status: int, code: str, message: str) -> None:
        """Let the next request of that method and path fail like that, once."""
        import httpx

        fault = {"method": method, "path": f"^{path}$", "status": status, "code": code, "message": message, "times": 1}
        root = self.endpoint.removesuffix("/v1")
        httpx.post(f"{root}/_localcloud/faults", json=fault, trust_env=False).raise_for_status()


@contextmanager
def cloud(home: Path) -> Iterator[Cloud]:
    """Run an embedded cloud below `home` for as long as the context lasts."""
    port, other = _free_ports(2)

    def localcloud(*words: str) -> subprocess.CompletedProcess[str]:
        words = (sys.executable, "-m", "localcloud", *words, "--home", str(home))
        return subprocess.run(words, cwd=ROOT, text=True, capture_output=True, timeout=60, env=_clean())

    zone = ("--zone", ZONE, "--cloudflare-port", str(other))
    started = localcloud("start", "--port", str(port), "--machines", "memory", *zone)
    assert started.returncode == 0, started.stdout + started.stderr
    about = json.loads(localcloud("status", "--json").stdout)["cloudflare"]
    try:
        yield Cloud(
            endpoint=f"http://127.0.0.1:{port}/v1",
            token=(home / "token").read_text().strip(),
            cloudflare=about["endpoint"],
            cloudflare_token=(home / "cloudflare-token").read_text().strip(),
            account=about["accountId"],
            images_hash=about["imagesHash"],
        )
    finally:
        localcloud("stop")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@dataclass(frozen=True)
class Project:
    """A folder in which `pulumi` works on a copy of a stack's file."""

    folder: Path
    token: str = "not used"
    """Of the embedded cloud, for the ``hcloud`` plugin."""

    def pulumi(self, *words: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        variables = _clean() | {
            "PULUMI_HOME": str(HOME),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "a test's",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "HCLOUD_TOKEN": self.token,
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

    def output(self, name: str, stack: str = STACK) -> str:
        return self.pulumi("stack", "output", name, "--show-secrets", "--stack", stack).stdout.strip()

    def resources(self, stack: str = STACK) -> dict[str, Any]:
        """The state's resources, by type and name."""
        state = json.loads(self.pulumi("stack", "export", "--stack", stack).stdout)
        return {resource["urn"].split("::", 2)[2]: resource for resource in state["deployment"]["resources"]}

    def drifted(self, stack: str = STACK) -> set[str]:
        """What a refresh finds changed, by type and name."""
        found = json.loads(self.pulumi("refresh", "--preview-only", "--json", "--stack", stack).stdout)
        return {
            step["urn"].split("::", 2)[2]
            for step in found["steps"]
            if step["op"] not in ("same", "refresh") or step.get("detailedDiff")
        }


def project(folder: Path, cloud: Cloud, stack: str) -> Project:
    """Make the copy in `folder` with that stack, its endpoint being `cloud`; what its owner has to give is not set."""
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / f"Pulumi.{stack}.yaml", folder)
    (folder / "state").mkdir()
    made = Project(folder, cloud.token)
    made.pulumi("stack", "init", stack)
    made.set(stack, "hcloud:endpoint", cloud.endpoint)
    made.set(stack, "cloudflare:baseUrl", cloud.cloudflare)
    made.set(stack, "cloudflare:apiToken", cloud.cloudflare_token, secret=True)
    return made


def program(folder: Path, source: Path, token: str = "not used") -> Project:
    """Make `folder` of the files of a small program that tests the components or the plugins, its STACK being empty."""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".venv", "components"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "state").mkdir()
    made = Project(folder, token)
    made.pulumi("stack", "init", STACK)
    return made


def password() -> str:
    return secrets.token_urlsafe(32)


def _clean() -> dict[str, str]:
    """This process's variables without those that would point a command at another cloud, state or stack."""
    return {name: value for name, value in os.environ.items() if not name.startswith(CONFIGURED_BY_OTHERS)}
