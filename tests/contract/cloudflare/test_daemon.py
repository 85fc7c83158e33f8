"""The daemon with its Cloudflare half, as people and scripts handle it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from localcloud.daemon import remains
from localcloud.machines import leftovers
from scripts.operator import http
from tests.contract.cloudflare_edge.conftest import cache, free_port
from tests.contract.hetzner.serving import eventually

ROOT = Path(__file__).resolve().parents[3]
OPTIONS = ("port", "cloudflare-port", "edge-port", "edge-http-port", "s3-port")
FOREIGN = ("LOCALCLOUD_", "HCLOUD_", "CLOUDFLARE_", "SSL_CERT_FILE")


@dataclass
class Daemon:
    home: Path
    ports: dict[str, int]

    def run(self, *words: str, code: int = 0, **variables: str) -> str:
        """What a command prints on both streams; it must exit with ``code``."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
        done = subprocess.run(
            [sys.executable, "-m", "localcloud", *words, "--home", str(self.home)],
            cwd=ROOT, env={**kept, "LOCALCLOUD_CACHE": str(cache()), **variables},
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == code and "Traceback" not in said, f"{words}: {done.returncode} {said}"
        return said

    def start(self, *words: str, code: int = 0, **variables: str) -> str:
        options = [word for name, port in self.ports.items() for word in (f"--{name}", str(port))]
        given = ("start", "--machines", "memory", "--zone", "store.localhost", *options, *words)
        return self.run(*given, code=code, **variables)

    def status(self) -> dict[str, object]:
        return dict(json.loads(self.run("status", "--json")))

    def exports(self, **variables: str) -> dict[str, str]:
        lines = self.run("env", **variables).splitlines()
        return dict(line.removeprefix("export ").split("=", 1) for line in lines)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon(tmp_path / "cloud", {name: free_port() for name in OPTIONS})
    yield made
    made.run("stop")


def test_what_it_says_of_itself_is_what_clients_need(daemon: Daemon) -> None:
    """scripts/up writes it into the stack's file, and people's shells take their variables from it."""
    daemon.start()
    found, ports = daemon.status(), daemon.ports
    token = (daemon.home / "cloudflare-token").read_text().strip()
    base = f"http://127.0.0.1:{ports['cloudflare-port']}/client/v4"
    cloudflare = found["cloudflare"]
    assert isinstance(cloudflare, dict)
    assert cloudflare["endpoint"] == base and cloudflare["zones"] == ["store.localhost"]
    assert found["edge"] == {"http": ports["edge-http-port"], "https": ports["edge-port"]}
    assert found["s3"] == {"endpoint": f"http://127.0.0.1:{ports['s3-port']}"}

    exports = daemon.exports()
    assert exports["CLOUDFLARE_BASE_URL"] == exports["CLOUDFLARE_API_BASE_URL"] == base
    assert (exports["CLOUDFLARE_API_TOKEN"], exports["CLOUDFLARE_ACCOUNT_ID"]) == (token, cloudflare["accountId"])
    assert {exports[name] for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")} == {found["bundle"]}
    asked = httpx.get(f"{base}/zones", headers={"Authorization": f"Bearer {token}"}, trust_env=False).json()
    assert [zone["name"] for zone in asked["result"]] == ["store.localhost"]
    with http.client(f"https://store.localhost:{ports['edge-port']}", authority=Path(str(found["ca"]))) as client:
        assert client.get("/").status_code >= 400, "nothing is declared yet, but the edge's certificate is trusted"


def test_the_bundle_is_there_once_start_returns_and_does_not_grow(daemon: Daemon) -> None:
    """A shell whose SSL_CERT_FILE is the bundle starts the cloud too: each time it held one authority more."""
    daemon.start()
    bundle = Path(str(daemon.status()["bundle"]))
    first = bundle.read_text()
    assert first.rstrip().endswith((daemon.home / "ca" / "ca.pem").read_text().rstrip())
    assert first.count("BEGIN CERTIFICATE") > 20, "the system's authorities are in it"
    daemon.run("stop")
    daemon.start(SSL_CERT_FILE=str(bundle))
    assert bundle.read_text() == first


def test_every_port_that_is_taken_is_said_before_anything_is_done(daemon: Daemon) -> None:
    """Of two checkouts the second started half, and said of one port after the other that it was taken."""
    with socket.socket() as one, socket.socket() as other:
        for taken, name in ((one, "edge-port"), (other, "s3-port")):
            taken.bind(("127.0.0.1", daemon.ports[name]))
            taken.listen()
        said = daemon.start(code=1)
        for name in ("edge-port", "s3-port"):
            variable = f"LOCALCLOUD_{name.upper().replace('-', '_')}"
            assert all(word in said for word in (f"port {daemon.ports[name]} ", f"--{name} ", variable)), said
        assert not (daemon.home / "daemon.json").exists()
    said = daemon.start("--s3-port", str(daemon.ports["edge-port"]), code=1)
    assert "--edge-port and --s3-port" in said


def test_a_restart_needs_no_options_and_finds_no_port_taken_by_what_was_killed(daemon: Daemon) -> None:
    """The edge of a killed daemon holds its ports for a moment; the documented restart has no options."""
    daemon.start()
    before = daemon.status()
    os.kill(int((daemon.home / "daemon.pid").read_text()), signal.SIGKILL)
    eventually(lambda: subprocess.run([sys.executable, "-m", "localcloud", "status", "--home", daemon.home], cwd=ROOT,
                                      capture_output=True).returncode == 3)  # fmt: skip
    daemon.run("start", "--machines", "memory")
    after = daemon.status()
    assert {key: after.get(key) for key in ("port", "cloudflare", "edge", "s3")} == {
        key: before.get(key) for key in ("port", "cloudflare", "edge", "s3")
    }


def test_nothing_is_left_after_stop(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    """An edge or a workerd that stays keeps ports, memory and secrets in /tmp."""
    daemon.start()
    assert "edge" in remains.processes(daemon.home).values()
    folder = remains.folders(daemon.home)[0]
    assert folder.is_dir()
    daemon.run("stop")
    assert remains.processes(daemon.home) == {} and not folder.exists()
    if os.geteuid() == 0:
        assert leftovers.main([str(daemon.home)]) == 0, capsys.readouterr().out


def test_stop_after_a_kill_ends_the_edge_too(daemon: Daemon) -> None:
    daemon.start()
    edge = next(number for number, what in remains.processes(daemon.home).items() if what == "edge")
    os.kill(edge, signal.SIGSTOP)  # it cannot end by itself
    os.kill(int((daemon.home / "daemon.pid").read_text()), signal.SIGKILL)
    os.kill(edge, signal.SIGCONT)
    eventually(lambda: "not running" in daemon.run("stop"))
    assert remains.processes(daemon.home) == {} and remains.folders(daemon.home) == []


def test_a_daemon_without_it_is_not_taken_for_one_with_it(daemon: Daemon) -> None:
    """scripts/up of a newer checkout met the daemon of the older one, and failed at its first zone."""
    daemon.run("start", "--machines", "memory", "--port", str(daemon.ports["port"]))
    said = daemon.start(code=1)
    assert "without Cloudflare" in said and "python -m localcloud stop" in said
