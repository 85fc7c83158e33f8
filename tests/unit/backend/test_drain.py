"""Leaving without losing a request: the instance's side, and the side of the machine that runs the update."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.backend import drain_instance
from components.backend.bootstrap import store_drain
from components.backend.bootstrap.store_drain import Traffic

SCRIPT = Path(drain_instance.__file__)
VALUES = {
    "STORE_HOST": "198.18.0.9",
    "STORE_USER": "deploy",
    "STORE_HOST_KEY": "ssh-ed25519 AAAA",
    "STORE_SERVER_ID": "4711",
    "STORE_SERVER_NAME": "local-medusa-2",
}
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n-----END OPENSSH PRIVATE KEY-----"


class Clock:
    """Time that passes when it is slept, and what happens at each second."""

    def __init__(self) -> None:
        self.now = 0.0
        self.customers_until = 0.0
        self.running_until = 0.0
        self.balancer_asks = True

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def traffic(self) -> Traffic:
        return Traffic(int(min(self.now, self.customers_until) * 10), int(self.now < self.running_until))

    def noticed(self) -> int:
        return int(self.now // 3) if self.balancer_asks else 0


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(store_drain.time, "monotonic", lambda: made.now)
    monkeypatch.setattr(store_drain.time, "sleep", made.sleep)
    monkeypatch.setattr(store_drain, "traffic", made.traffic)
    monkeypatch.setattr(store_drain, "noticed", made.noticed)
    monkeypatch.setattr(store_drain, "FLAG", tmp_path / "run" / "draining")
    return made


def test_it_waits_until_the_balancer_has_noticed(clock: Clock) -> None:
    """A pause between two customers is no sign that none will come."""
    assert store_drain.drain(60) == 0
    assert 9 <= clock.now < 10 and store_drain.FLAG.exists()


def test_it_waits_for_the_last_customers(clock: Clock) -> None:
    """Kept connections bring requests until they are told to close; one under way may take long."""
    clock.customers_until, clock.running_until = 12, 25
    assert store_drain.drain(60) == 0
    assert 25.9 <= clock.now < 27


def test_without_a_balancer_it_does_not_wait_for_ever(clock: Clock) -> None:
    """An instance whose target is gone already is drained in no time that matters."""
    clock.balancer_asks = False
    assert store_drain.drain(60) == 0
    assert clock.now <= store_drain.NOBODY_SECONDS + 1


def test_it_gives_up_in_time_and_says_so(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """A customer who downloads for an hour must not hold up a scale-down for an hour."""
    clock.running_until = 1000
    assert store_drain.drain(60) == 1
    assert clock.now < 61 and "still 1 requests under way" in capsys.readouterr().out
    assert store_drain.undo() == 0 and not store_drain.FLAG.exists()


def test_joined_waits_for_the_balancer_and_says_why_it_does_not_come(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An update called done while the balancer still refused the new instance: too early."""
    monkeypatch.setattr(store_drain, "count", lambda what: int(clock.now // 3))
    assert store_drain.joined(60) == 0 and 6 <= clock.now < 7
    monkeypatch.setattr(store_drain, "count", lambda what: 0)
    assert store_drain.joined(60) == 1
    assert "does not ask" in capsys.readouterr().out


def fake_ssh(folder: Path, code: int, says: str = "") -> Path:
    """An ssh that writes down how it was called and what the files it was given hold."""
    folder.mkdir()
    script = folder / "ssh"
    script.write_text(
        f"#!{sys.executable}\n"
        "import json, os, sys\n"
        "options = dict(word.split('=', 1) for word in sys.argv[1:] if '=' in word and ' ' not in word)\n"
        "files = {name: open(options[name]).read() for name in ('IdentityFile', 'UserKnownHostsFile')}\n"
        "mode = oct(os.stat(options['IdentityFile']).st_mode & 0o777)\n"
        f"json.dump([sys.argv, files, mode, dict(os.environ)], open({str(folder / 'called')!r}, 'w'))\n"
        f"print({says!r}); sys.exit({code})\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return folder


def leave(path: str, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path, **VALUES, **changes}
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT)], input=KEY, env=environment, capture_output=True, text=True, check=False
    )


def test_it_drains_the_server_that_is_meant_under_its_pinned_key(tmp_path: Path) -> None:
    """The key in an argument is in the process list; an unpinned host is whoever answers."""
    folder = fake_ssh(tmp_path / "bin", 0, "drained in 9.1 s")
    done = leave(str(folder))
    argv, files, mode, environment = json.loads((folder / "called").read_text())
    assert (done.returncode, done.stdout.strip()) == (0, "local-medusa-2: drained in 9.1 s")
    assert "secret" not in json.dumps([argv, environment]) and mode == "0o600"
    assert files == {"IdentityFile": KEY + "\n", "UserKnownHostsFile": "instance ssh-ed25519 AAAA\n"}
    assert "StrictHostKeyChecking=yes" in argv and "deploy@198.18.0.9" in argv and "4711" in argv[-1]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (255, "cannot be reached"),
        (drain_instance.OTHER_SERVER, "another server answers"),
        (1, "may be cut off"),
    ],
)
def test_what_cannot_be_drained_is_said_and_stops_nothing(tmp_path: Path, code: int, said: str) -> None:
    """`pulumi destroy` with a dead server would never end."""
    done = leave(str(fake_ssh(tmp_path / "bin", code)))
    assert done.returncode == 0 and said in done.stdout


def test_a_machine_without_ssh_or_an_incomplete_state(tmp_path: Path) -> None:
    assert "no ssh" in leave(str(tmp_path)).stdout
    done = leave(str(tmp_path), STORE_HOST="")
    assert done.returncode == 0 and "STORE_HOST" in done.stdout


@pytest.fixture
def server(tmp_path: Path) -> Callable[[str, int], tuple[int, list[str]]]:
    """Runs the shell line for server 4711 on the server of an identity, whose store-drain ends with a code; returns the
    line's code and what was run as root."""

    def run(identity: str, drained: int) -> tuple[int, list[str]]:
        (tmp_path / "instance-id").write_text(f"{identity}\n")
        (tmp_path / "ran").write_text("")
        sudo = tmp_path / "sudo"
        sudo.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/ran\n[ "${{2##*/}}" != store-drain ] || exit {drained}\n')
        sudo.chmod(0o755)
        line = drain_instance.remote_line("4711").replace(drain_instance.IDENTITY, str(tmp_path / "instance-id"))
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, check=False)
        return done.returncode, (tmp_path / "ran").read_text().splitlines()

    return run


@pytest.mark.parametrize("drained", [0, 1])
def test_medusa_is_stopped_once_it_serves_nobody(server: Callable[[str, int], Any], drained: int) -> None:
    """Told to end when its private network was gone, it waited for Redis until it was killed, and jobs with it."""
    code, ran = server("4711", drained)
    assert code == drained
    assert "store-drain" in ran[0] and ran[1:] == ["-n systemctl stop medusa-worker medusa"]


@pytest.mark.parametrize("identity", ["4712", ""])
def test_another_server_at_the_address_is_left_alone(server: Callable[[str, int], Any], identity: str) -> None:
    """A deleted server's address goes to somebody else's."""
    assert server(identity, 0) == (drain_instance.OTHER_SERVER, [])
