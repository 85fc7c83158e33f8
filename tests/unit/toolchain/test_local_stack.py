"""What scripts/up says: of an update's progress, and of what answers afterwards."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

import pytest

from scripts.toolchain import checks
from scripts.toolchain.local_stack import Progress, stacks
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


class Cloud(BaseHTTPRequestHandler):
    """A store and the cloud's API in one; what it answers is set by the test."""

    answers: dict[str, tuple[int, object]] = {}  # noqa: RUF012

    def do_GET(self) -> None:
        status, body = self.answers.get(self.path, (404, {}))
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Cloud)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    Cloud.answers = {
        "/health": (200, {"status": "ok", "database": "connected", "redis": "connected"}),
        "/store/products": (200, {"products": [{"id": "prod_1"}]}),
        "/app": (200, {}),
        "/v1/servers": (200, {"servers": [{"status": "running"}, {"status": "running"}]}),
        "/v1/load_balancers": (200, {"load_balancers": [{"targets": [{"health_status": [{"status": "healthy"}]}]}]}),
    }
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def rows(url: str) -> dict[str, checks.Row]:
    return {row.name: row for row in checks.check({"apiUrl": url, "publishableKey": "pk_1"}, f"{url}/v1", "token")}


def test_a_store_that_answers_is_all_ok(url: str) -> None:
    found = rows(url)
    assert all(row.ok for row in found.values()), found
    assert found["Health"].said.startswith('{"status": "ok"')
    assert found["Hetzner Cloud API"].said == "2 of 2 servers run"


@pytest.mark.parametrize(
    ("path", "answer", "name"),
    [
        ("/health", (503, {"status": "error", "database": "disconnected", "redis": "connected"}), "Health"),
        ("/store/products", (200, {"products": []}), "Store API"),
        ("/app", (502, {}), "Admin"),
        ("/v1/servers", (200, {"servers": [{"status": "running"}, {"status": "off"}]}), "Hetzner Cloud API"),
        ("/v1/load_balancers", (200, {"load_balancers": [{"targets": []}]}), "Load balancer"),
        ("/v1/load_balancers", (401, {}), "Load balancer"),
    ],
)
def test_what_does_not_answer_is_not_ok(url: str, path: str, answer: tuple[int, object], name: str) -> None:
    """The table said "ready" for a store whose database was down: it printed addresses and asked none."""
    Cloud.answers[path] = answer
    found = rows(url)
    assert [row.name for row in found.values() if not row.ok] == [name]


def test_nobody_there_is_an_answer_too() -> None:
    row = checks.health("http://127.0.0.1:9")
    assert not row.ok and "refused" in row.said


def test_a_target_that_becomes_healthy_is_waited_for(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right after an update the first health check had not come yet, and scripts/up failed."""
    asked = 0
    real = checks.ask

    def ask(address: str, headers: object = None) -> tuple[int, str]:
        nonlocal asked
        asked += 1
        status, body = real(address, headers)  # type: ignore[arg-type]
        return status, body if asked > 1 else body.replace('"healthy"', '"unknown"')

    monkeypatch.setattr(checks, "ask", ask)
    assert checks.targets(f"{url}/v1", "token").ok
    assert asked == 2
