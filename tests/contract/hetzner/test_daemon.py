"""The daemon as people and scripts handle it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.contract.hetzner.serving import eventually

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Daemon:
    home: Path
    port: int

    def run(self, *words: str, code: int = 0, **variables: str) -> str:
        """What a command prints on both streams; it must exit with ``code``."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("LOCALCLOUD_", "HCLOUD_"))}
        done = subprocess.run(
            [sys.executable, "-m", "localcloud", *words],
            cwd=ROOT,
            env={**kept, "LOCALCLOUD_HOME": str(self.home), "LOCALCLOUD_PORT": str(self.port), **variables},
            capture_output=True,
            text=True,
            timeout=60,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code and "Traceback" not in said, f"{words}: {done.returncode} {said}"
        return said

    def start(self) -> str:
        return self.run("start", "--machines", "memory")

    @property
    def pid(self) -> int:
        return int((self.home / "daemon.pid").read_text())

    def client(self) -> httpx.Client:
        token = (self.home / "token").read_text().strip()
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}/v1", headers={"Authorization": f"Bearer {token}"}, trust_env=False
        )

    def kill(self) -> None:
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: json.loads(self.run_status())["running"] is False)

    def run_status(self) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "localcloud", "status", "--json", "--home", str(self.home)],
            cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Daemon(tmp_path / "cloud", port)
    yield made
    made.run("stop")


def test_start_is_idempotent_and_says_what_next(daemon: Daemon) -> None:
    """A second start must not end in a second daemon over the same state."""
    first = daemon.start()
    assert f"http://127.0.0.1:{daemon.port}/v1" in first and "localcloud env" in first
    pid = daemon.pid
    assert "runs already" in daemon.start() and daemon.pid == pid
    found = json.loads(daemon.run("status", "--json"))
    assert found["running"] and found["answers"] and found["pid"] == pid
    assert found["memory_mb"] < 120, "the daemon is to leave the memory to the machines"


def test_two_starts_at_once_make_one_daemon(daemon: Daemon) -> None:
    """`up` in two terminals."""
    variables = {**os.environ, "LOCALCLOUD_HOME": str(daemon.home), "LOCALCLOUD_PORT": str(daemon.port)}
    command = [sys.executable, "-m", "localcloud", "start", "--machines", "memory"]
    pipe = subprocess.PIPE
    both = [subprocess.Popen(command, cwd=ROOT, env=variables, stdout=pipe, stderr=pipe, text=True) for _ in range(2)]
    said = [one.communicate(timeout=60) for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert daemon.client().get("/servers").is_success


def test_stop_ends_it_and_state_stays(daemon: Daemon) -> None:
    """Stopping overnight must not lose the store's servers."""
    daemon.start()
    with daemon.client() as api:
        api.post("/networks", json={"name": "n", "ip_range": "10.0.0.0/16"}).raise_for_status()
    assert "stopped" in daemon.run("stop")
    assert not (daemon.home / "daemon.pid").exists()
    assert "not running" in daemon.run("status", code=3) and "not running" in daemon.run("stop")
    assert "memory machines" in daemon.run("start"), "what was only remembered does not come back as what boots"
    assert [one["name"] for one in daemon.client().get("/networks").json()["networks"]] == ["n"]


def test_a_killed_daemon_leaves_no_half_truth(daemon: Daemon) -> None:
    """Power cuts: what was answered is kept, the pid file of the dead is no obstacle."""
    daemon.start()
    with daemon.client() as api:
        names = []
        for number in range(20):
            body = {"name": f"n{number}", "ip_range": "10.0.0.0/16"}
            names.append(api.post("/networks", json=body).raise_for_status().json()["network"]["name"])
        daemon.kill()
    assert (daemon.home / "daemon.pid").exists()
    assert "localcloud start" in daemon.run("status", code=3)
    daemon.start()
    assert sorted(names) == sorted(one["name"] for one in daemon.client().get("/networks").json()["networks"])
    daemon.kill()
    assert "killed daemon" in daemon.run("stop")


def test_a_pid_that_is_somebody_elses_by_now_is_left_alone(daemon: Daemon) -> None:
    """After a reboot the old pid belongs to another program: `stop` must not kill it."""
    daemon.start()
    daemon.run("stop")
    with subprocess.Popen(["sleep", "30"]) as other:
        (daemon.home / "daemon.pid").write_text(f"{other.pid}\n")
        daemon.run("stop")
        assert other.poll() is None
        other.terminate()


def test_a_taken_port_is_named(daemon: Daemon) -> None:
    """The most frequent reason why it does not start."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", daemon.port))
        other.listen()
        said = daemon.run("start", "--machines", "memory", code=1)
    assert f"port {daemon.port} is taken" in said and "--port" in said


@pytest.mark.parametrize(
    ("words", "variables", "hint"),
    [
        (("start", "--port", "99999"), {}, "1 to 65535"),
        (("start",), {"LOCALCLOUD_PORT": "http"}, "LOCALCLOUD_PORT=http"),
        (("start", "--machines", "memory", "--rate-limit", "0"), {}, "--rate-limit"),
        (("start", "--machines", "memory", "--home", "/proc/nowhere"), {}, "--home"),
    ],
)
def test_mistakes_are_explained(daemon: Daemon, words: tuple[str, ...], variables: dict[str, str], hint: str) -> None:
    """A traceback tells a person nothing about what to type instead."""
    assert hint in daemon.run(*words, code=1, **variables)


def test_damaged_state_is_named(daemon: Daemon) -> None:
    """A full disk once cut the file: say which one, and that it can be moved away."""
    daemon.home.mkdir()
    (daemon.home / "state.sqlite").write_bytes(b"not a database" * 1000)
    said = daemon.run("start", "--machines", "memory", code=1)
    assert "state.sqlite" in said and "move it away" in said


def test_env_leads_clients_here(daemon: Daemon) -> None:
    """`hcloud server list` in a shell that was prepared must never reach the real cloud."""
    before = daemon.run("env")
    daemon.start()
    said = daemon.run("env")
    token = (daemon.home / "token").read_text().strip()
    assert said == before and len(token) == 64
    assert f"export HCLOUD_ENDPOINT=http://127.0.0.1:{daemon.port}/v1\nexport HCLOUD_TOKEN={token}\n" == said
    assert (daemon.home / "token").stat().st_mode & 0o077 == 0


def test_it_listens_on_loopback_only_and_starts_at_once(daemon: Daemon) -> None:
    """An API that makes machines is nobody's business on the network; and nobody waits for it."""
    began = time.monotonic()
    daemon.start()
    assert time.monotonic() - began < 20
    listening = Path("/proc/net/tcp").read_text().splitlines()[1:]
    addresses = {line.split()[1] for line in listening if line.split()[1].endswith(f":{daemon.port:04X}")}
    assert addresses == {f"0100007F:{daemon.port:04X}"}


def test_help_shows_an_example(daemon: Daemon) -> None:
    """The first thing anyone types."""
    for word in ((), ("start",), ("stop",), ("status",), ("env",)):
        assert "example:" in daemon.run(*word, "--help")


def test_what_holds_secrets_is_its_owners_only(daemon: Daemon) -> None:
    """user_data holds private host keys, and is part of the state; a home may lie anywhere."""
    daemon.start()

    held = [
        path
        for path in daemon.home.iterdir()
        if path.name.startswith(("state.sqlite", "token", "requests", "daemon.log"))
    ]

    assert len(held) >= 4
    assert [path.name for path in held if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize(("target", "code"), [("| true", 0), (">/dev/full", 1)])
def test_an_output_that_is_not_read_is_no_traceback(daemon: Daemon, target: str, code: int) -> None:
    """`status --json | head` in a monitoring script."""
    line = f"set -o pipefail; {sys.executable} -m localcloud status --json --home {daemon.home} {target}"
    said = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True)
    assert said.returncode in (code, 3) and "Traceback" not in said.stderr and "ignored" not in said.stderr
