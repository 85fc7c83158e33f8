"""The edge as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from localcloud.cloudflare.edge.process import EdgeFailure, EdgeProcess
from localcloud.cloudflare.runtime.model import RuntimeFailure
from tests.contract.cloudflare_edge.conftest import cache, free_port
from tests.contract.cloudflare_edge.workers import snapshot, version


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture
def process(tmp_path: Path, ports: tuple[int, int]) -> Iterator[EdgeProcess]:
    made = EdgeProcess(tmp_path, cache(), http_port=ports[0], https_port=ports[1])
    yield made
    made.stop()


def answered(port: int) -> str:
    response = httpx.get(f"http://127.0.0.1:{port}/", headers={"host": "store.localhost"})
    return str(response.json()["version"])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_serves_checks_comes_back_and_leaves_nothing(
    process: EdgeProcess, ports: tuple[int, int], tmp_path: Path
) -> None:
    """A killed edge that comes back empty, or with the next deploy only, is an outage until then."""
    process.apply(snapshot(version("v1")))
    assert answered(ports[0]) == "v1"
    with pytest.raises(RuntimeFailure, match="SyntaxError"):
        process.check(snapshot(version("v2", "export default {{")))
    assert answered(ports[0]) == "v1"
    first = process.pid
    assert first is not None
    folder = (tmp_path / "edge" / "run").readlink()
    workers = [int(word) for word in Path(f"/proc/{first}/task/{first}/children").read_text().split()]
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: process.pid != first)
    process.start()  # waits for the one that comes by itself
    assert answered(ports[0]) == "v1"
    wait_until(lambda: not any(alive(pid) for pid in workers))
    assert not folder.exists()
    second = (tmp_path / "edge" / "run").readlink()
    process.stop()
    assert not second.exists()
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", ports[0])) != 0


def test_who_comes_before_a_killed_edge_knows_what_to_serve_waits(process: EdgeProcess, ports: tuple[int, int]) -> None:
    """In the first moments after a restart every host name was one that nobody had declared: 404, as if for good."""
    process.apply(snapshot(version("v1")))
    first = process.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    statuses = set()

    def asked() -> bool:
        try:
            answer = httpx.get(f"http://127.0.0.1:{ports[0]}/", headers={"host": "store.localhost"})
        except httpx.TransportError:
            return False
        statuses.add(answer.status_code)
        return process.pid != first

    wait_until(asked)
    assert statuses == {200}


def test_a_port_that_is_taken_is_said(tmp_path: Path, ports: tuple[int, int]) -> None:
    """A second checkout's edge would fail with a traceback of asyncio."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports[0]))
        taken.listen()
        with pytest.raises(EdgeFailure, match=r"cannot listen.*Address already in use"):
            EdgeProcess(tmp_path, cache(), http_port=ports[0], https_port=ports[1]).start()


def test_it_ends_with_its_owner(tmp_path: Path, ports: tuple[int, int]) -> None:
    """An edge that outlives its daemon keeps the ports, and the next start fails."""
    code = (
        "import sys; from pathlib import Path; from localcloud.cloudflare.edge.process import EdgeProcess\n"
        f"p = EdgeProcess(Path({str(tmp_path)!r}), Path({str(cache())!r}), "
        f"http_port={ports[0]}, https_port={ports[1]})\n"
        "p.start(); print(p.pid, flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    edge = int(owner.stdout.readline())
    owner.kill()
    owner.communicate()
    wait_until(lambda: not alive(edge))


def wait_until(condition: object) -> None:
    deadline = time.monotonic() + 15
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)
