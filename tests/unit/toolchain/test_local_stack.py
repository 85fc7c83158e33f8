"""What scripts/up says of an update's progress, and what it writes into the local stack's file."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import cast

import pytest

from scripts.toolchain.local_stack import Progress, machine_settings, port_problems, stacks
from scripts.toolchain.steps import Log

UPDATE = """\
Updating (local):
    pulumi:pulumi:Stack opticworks-store-local running
 +  pulumi:pulumi:Stack opticworks-store-local creating (0s)
 +  opticworks:index:Network network creating (0s)
 +  hcloud:index:Network network-network creating (0s)
 +  hcloud:index:Network network-network created (0.51s)
 +  hcloud:index:Server postgres-server creating (0s)
 ~  command:remote:Command redis-run updating (0s)
 ~  command:remote:Command redis-run updated (3s)
 -  hcloud:index:Server medusa-3 deleted (2s)
 +  hcloud:index:Server postgres-server **creating failed** error: no
Diagnostics:
  hcloud:index:Server (postgres-server):
    error: server type cx99 is not available in nbg1

Resources:
    + 4 created
"""


def test_the_local_stack_is_looked_for_in_its_own_state() -> None:
    """After `pulumi stack init staging` the state of staging was asked, and a second local stack made in it."""
    asked: list[list[str]] = []

    class Recorder:
        def run(self, command: list[str]) -> str:
            asked.append([str(word) for word in command[1:]])
            return json.dumps([{"name": "local"}])

    assert stacks(cast(Log, Recorder())) == {"local"}
    assert asked == [["stack", "ls", "--json", "-s", "local"]]


def fed() -> tuple[Progress, list[str]]:
    said: list[str] = []
    progress = Progress(said.append)
    for line in UPDATE.splitlines():
        progress.line(line)
    return progress, said


def test_one_line_for_each_resource_that_is_done() -> None:
    """Three screens of "creating" scrolled past, and nobody saw what was slow."""
    _, said = fed()
    assert [line.split("s  ", 1)[1].split(maxsplit=1) for line in said] == [
        ["+", "Network network-network created"],
        ["~", "Command redis-run updated"],
        ["-", "Server medusa-3 deleted"],
    ]


def test_silence_says_what_is_being_worked_on() -> None:
    """A database that was being installed looked like a command that hangs."""
    progress, said = fed()
    progress.still()
    assert "Server postgres-server" in said[-1] and "network-network" not in said[-1]


def test_the_diagnostics_are_kept() -> None:
    progress, _ = fed()
    assert progress.diagnostics()[-1].strip() == "error: server type cx99 is not available in nbg1"
    assert not any("created" in line for line in progress.diagnostics())


def test_what_differs_from_machine_to_machine_is_as_the_daemon_says() -> None:
    """The program asked the cloud of another checkout, whose account knew nothing of this zone."""
    status = {
        "endpoint": "http://127.0.0.1:1/v1",
        "cloudflare": {"endpoint": "http://127.0.0.1:2/client/v4", "accountId": "a", "imagesHash": "h", "zones": ["z"]},
        "edge": {"http": 3, "https": 4},
        "s3": {"endpoint": "http://127.0.0.1:5"},
    }
    assert machine_settings(status) == {
        "hcloud:endpoint": "http://127.0.0.1:1/v1",
        "cloudflare:baseUrl": "http://127.0.0.1:2/client/v4",
        "cloudflareAccountId": "a",
        "imagesAccountHash": "h",
        "publicPort": "4",
        "r2Endpoint": "http://127.0.0.1:5",
    }


def test_a_port_of_another_program_is_said_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten minutes of building ended in "port 8443 is taken"."""
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        for name in ("", "CLOUDFLARE_", "EDGE_HTTP_", "S3_"):
            monkeypatch.setenv(f"LOCALCLOUD_{name}PORT", str(free_port()))
        monkeypatch.setenv("LOCALCLOUD_EDGE_PORT", str(number))
        (said,) = port_problems()
    assert f"port {number} " in said and "--edge-port" in said and "LOCALCLOUD_EDGE_PORT" in said


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
