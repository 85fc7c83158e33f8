"""An embedded Cloudflare of a benchmark's own: a daemon with its own home and ports, and its API.

Nothing boots, no root is needed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import mimetypes
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from localcloud.common.identity import account_id

ROOT = Path(__file__).resolve().parents[1]
ZONE = "benchmark.localhost"
SETTLE_SECONDS = 60.0


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nothing listens on, each another."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@dataclass
class Cloud:
    """A running daemon; ``https`` is its edge's port."""

    home: Path
    https: int
    http: httpx.Client
    account: str

    def ask(self, method: str, path: str, body: Any = None, **rest: Any) -> Any:
        """The result of a call, ``A`` and ``Z`` before its path standing for account and zone; raises SystemExit."""
        path = path.replace("A/", f"/accounts/{self.account}/", 1) if path.startswith("A/") else path
        path = path.replace("Z/", f"/zones/{self.zone}/", 1) if path.startswith("Z/") else path
        answer = self.http.request(method, path, **({"json": body} if body is not None else {}), **rest)
        if answer.is_error:
            sys.exit(f"{method} {path}: {answer.status_code} {answer.text[:2000]}")
        return answer.json()["result"]

    @property
    def zone(self) -> str:
        return str(self.ask("GET", f"/zones?name={ZONE}")[0]["id"])

    def settled(self) -> None:
        """Returns once the edge serves what was declared; raises SystemExit where it refuses."""
        told = self.http.get(self.http.base_url.copy_with(path="/_localcloud/settled"), timeout=SETTLE_SECONDS).json()
        if told["problems"] or not told["settled"]:
            sys.exit(f"The edge does not serve what was declared: {told['problems']}")

    def assets(self, script: str, files: Mapping[str, Path]) -> str:
        """Upload a Worker's static files by address; the token that stands for them."""
        keys = {address: hashlib.sha256(path.read_bytes()).hexdigest()[:32] for address, path in files.items()}
        manifest = {address: {"hash": keys[address], "size": path.stat().st_size} for address, path in files.items()}
        session = self.ask("POST", f"A/workers/scripts/{script}/assets-upload-session", {"manifest": manifest})
        by_key = {keys[address]: path for address, path in files.items()}
        token = str(session["jwt"])
        for bucket in session["buckets"]:
            parts = {
                key: (
                    key,
                    base64.b64encode(by_key[key].read_bytes()),
                    mimetypes.guess_type(by_key[key].name)[0] or "application/octet-stream",
                )
                for key in bucket
            }
            headers = {"Authorization": f"Bearer {session['jwt']}"}
            done = self.ask("POST", "A/workers/assets/upload?base64=true", files=parts, headers=headers)
            token = str((done or {}).get("jwt") or token)
        return token

    def worker(self, name: str) -> str:
        """A Worker without versions yet; its id."""
        return str(self.ask("POST", "A/workers/workers", {"name": name})["id"])

    def version(self, worker: str, *, modules: Sequence[Mapping[str, Any]] = (), **rest: Any) -> str:
        """A version's id; ``modules`` are name, content_type and content."""
        sent = [
            {
                "name": one["name"], "content_type": one["content_type"],
                "content_base64": base64.b64encode(one["content"]).decode(),
            }
            for one in modules
        ]  # fmt: skip
        return str(self.ask("POST", f"A/workers/workers/{worker}/versions", {"modules": sent, **rest})["id"])

    def deploy(self, name: str, version: str) -> None:
        """All of a Worker's traffic to this version, as the API is asked for it."""
        body = {"strategy": "percentage", "versions": [{"version_id": version, "percentage": 100}]}
        self.ask("POST", f"A/workers/scripts/{name}/deployments", body)

    def domain(self, host: str, name: str) -> None:
        """Serve a Worker at a host name."""
        self.ask("PUT", "A/workers/domains", {"hostname": host, "service": name, "zone_id": self.zone})

    @property
    def authority(self) -> Path:
        """What signs the edge's certificates."""
        return self.home / "ca" / "ca.pem"

    @property
    def pid(self) -> int:
        return int((self.home / "daemon.pid").read_text().split()[0])


@contextmanager
def cloud(scratch: Path) -> Iterator[Cloud]:
    """A daemon with machines in memory, which serves both clouds; ended afterwards."""
    home = scratch / "cloud"
    port, api, http, https, s3 = free_ports(5)
    command = [sys.executable, "-m", "localcloud"]
    environment = os.environ | {"LOCALCLOUD_HOME": str(home), "LOCALCLOUD_PORT": str(port)}
    ports = ["--cloudflare-port", api, "--edge-http-port", http, "--edge-port", https, "--s3-port", s3]
    subprocess.run(
        [*command, "start", "--machines", "memory", "--zone", ZONE, *map(str, ports)],
        cwd=ROOT, env=environment, check=True, stdout=sys.stderr,
    )  # fmt: skip
    try:
        found = subprocess.run(
            [*command, "status", "--json"], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE
        )
        assert json.loads(found.stdout)["running"]
        token = (home / "cloudflare-token").read_text().strip()
        client = httpx.Client(
            base_url=f"http://127.0.0.1:{api}/client/v4", headers={"Authorization": f"Bearer {token}"}, timeout=120
        )
        with client:
            yield Cloud(home, https, client, account_id(token))
    finally:
        subprocess.run([*command, "stop"], cwd=ROOT, env=environment, check=False, stdout=sys.stderr)
