"""/health must be the truth of this moment, told within a second, whatever hangs."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from components.backend.bootstrap.medusa_ready import checks
from components.backend.bootstrap.medusa_ready import service as ready

BALANCER = "10.0.4.10"


class Part:
    """A dependency that does as it is told: answers, fails, or hangs until it is let go."""

    def __init__(self) -> None:
        self.failing = False
        self.hanging = threading.Event()
        self.asked = 0
        self.hanging.set()

    def __call__(self) -> None:
        self.asked += 1
        self.hanging.wait()
        if self.failing:
            raise ConnectionError("refused")


@pytest.fixture
def parts() -> dict[str, Part]:
    return {"database": Part(), "redis": Part(), "medusa": Part()}


@pytest.fixture
def url(parts: dict[str, Part], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    # A tenth of what holds on an instance, so that these tests take no longer than they must.
    monkeypatch.setattr(ready, "DEADLINE", ready.DEADLINE / 10)
    monkeypatch.setattr(ready, "FRESH", ready.FRESH / 10)
    monkeypatch.setattr(ready, "GRACE", 0.3)
    readiness = ready.Readiness(parts, tmp_path / "draining")
    server = ready.Server(("127.0.0.1", 0), ready.handler(readiness, BALANCER))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    for part in parts.values():
        part.hanging.set()
    server.shutdown()
    server.server_close()


def ask(url: str, client: str = "") -> tuple[int, dict[str, Any], float]:
    begun = time.monotonic()
    request = urllib.request.Request(url, headers={"X-Health-Client": client})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    return status, json.loads(body), time.monotonic() - begun


def soon(url: str, wanted: int) -> dict[str, Any]:
    """The first body with that status; asked until a second has passed, the time in which it must be the truth."""
    end = time.monotonic() + 2
    while True:
        status, body, _ = ask(f"{url}/health")
        if status == wanted or time.monotonic() > end:
            assert status == wanted, body
            return body
        time.sleep(0.05)


def test_a_round_leaves_time_to_tell_of_it() -> None:
    """The balancer gives up after two seconds, and /health promises one."""
    assert ready.DEADLINE + ready.FRESH / 2 < 1


def test_all_well_is_exactly_the_guides_answer(url: str) -> None:
    status, body, _ = ask(f"{url}/health")
    assert (status, body) == (200, {"status": "ok", "database": "connected", "redis": "connected"})


@pytest.mark.parametrize("name", ["database", "redis", "medusa"])
def test_what_is_gone_is_named_and_what_is_back_counts(url: str, parts: dict[str, Part], name: str) -> None:
    """Medusa's own /health stays 200 with the database gone: customers hang for half a minute."""
    ask(f"{url}/health")
    parts[name].failing = True
    body = soon(url, 503)
    expected = {part: "disconnected" if part == name else "connected" for part in ("database", "redis")}
    assert body == {"status": "error", **expected}
    parts[name].failing = False
    soon(url, 200)


@pytest.mark.parametrize("name", ["database", "redis", "medusa"])
def test_a_part_that_hangs_does_not_hang_the_answer(url: str, parts: dict[str, Part], name: str) -> None:
    """A vanished server answers nothing at all; the balancer's check would time out without knowing why."""
    parts[name].hanging.clear()
    for _ in range(3):
        status, _, seconds = ask(f"{url}/health")
        assert status == 503 and seconds < 0.5
        time.sleep(ready.FRESH)
    assert parts[name].asked == 1, "a second question would wait behind the first"
    parts[name].hanging.set()
    soon(url, 200)


def test_a_busy_moment_is_no_outage(url: str, parts: dict[str, Part]) -> None:
    """On a server at its limit one late answer took an instance out, and the others got its load."""
    assert ask(f"{url}/health")[0] == 200
    parts["medusa"].hanging.clear()
    time.sleep(ready.FRESH)
    assert ask(f"{url}/health")[0] == 200, "it answered just now"
    soon(url, 503)


def test_many_who_ask_cost_one_query(url: str, parts: dict[str, Part]) -> None:
    """A hundred probes a second must not become a hundred queries a second."""
    answers: list[int] = []
    begun = time.monotonic()
    threads = [threading.Thread(target=lambda: answers.append(ask(f"{url}/health")[0])) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rounds = 2 + (time.monotonic() - begun) / ready.FRESH
    assert answers == [200] * 40 and parts["database"].asked <= rounds


def test_a_drained_instance_says_so_and_counts_whom_it_told(url: str, tmp_path: Path) -> None:
    """Draining waits for the balancer: an operator's curl must not count as the balancer's."""
    (tmp_path / "draining").touch()
    status, body, _ = ask(f"{url}/health", "127.0.0.1")
    assert (status, body["status"], body["database"]) == (503, "draining", "connected")
    assert ask(f"{url}/drain")[1] == {"draining": True, "noticed": 0, "welcomed": 0}
    ask(f"{url}/health", BALANCER)
    assert ask(f"{url}/drain")[1] == {"draining": True, "noticed": 1, "welcomed": 0}
    assert ask(f"{url}/accepting")[0] == 503
    (tmp_path / "draining").unlink()
    assert ask(f"{url}/accepting")[0] == 200 and ask(f"{url}/health")[0] == 200
    assert ask(f"{url}/drain")[1] == {"draining": False, "noticed": 0, "welcomed": 0}
    for _ in range(2):
        ask(f"{url}/health", BALANCER)
    assert ask(f"{url}/drain")[1] == {"draining": False, "noticed": 0, "welcomed": 2}


def test_a_customer_of_a_leaving_instance_is_told_of_the_store(url: str, tmp_path: Path) -> None:
    """A monitor that asks through the balancer was woken by every scale-down, with the store perfectly well."""
    (tmp_path / "draining").touch()
    status, body, _ = ask(f"{url}/health", "customer")
    assert (status, body["status"]) == (200, "ok")
    assert ask(f"{url}/drain")[1] == {"draining": True, "noticed": 0, "welcomed": 0}


class FakeRedis(socketserver.ThreadingTCPServer):
    """Speaks AUTH and PING; `password` may be changed while it runs."""

    allow_reuse_address = True
    daemon_threads = True
    password = "secret"
    loading = False

    def __init__(self) -> None:
        self.open: list[socket.socket] = []
        self.logins: list[list[bytes]] = []
        super().__init__(("127.0.0.1", 0), self.Handler)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            server: Any = self.server
            server.open.append(self.request)
            allowed = False
            while line := self.rfile.readline():
                words = []
                for _ in range(int(line[1:])):
                    self.rfile.readline()
                    words.append(self.rfile.readline().strip())
                if words[0] == b"AUTH":
                    server.logins.append(words[1:])
                    allowed = words[-1].decode() == server.password
                    self.wfile.write(b"+OK\r\n" if allowed else b"-WRONGPASS invalid\r\n")
                elif server.loading:
                    self.wfile.write(b"-LOADING Redis is loading the dataset in memory\r\n")
                else:
                    self.wfile.write(b"+PONG\r\n" if allowed else b"-NOAUTH Authentication required.\r\n")


@pytest.fixture
def redis() -> Iterator[FakeRedis]:
    with FakeRedis() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def test_ping_with_the_password_of_the_url(redis: FakeRedis) -> None:
    """A password with an @ or a / is quoted in the URL and must be sent as it is."""
    redis.password = "a@b/c:d"
    check = checks.Redis(f"redis://:a%40b%2Fc%3Ad@127.0.0.1:{redis.server_address[1]}")
    check()
    check()
    assert redis.logins == [[b"a@b/c:d"]], "the connection is kept"


@pytest.mark.parametrize("change", [{"loading": True}, {"password": "other"}])
def test_a_redis_that_answers_but_does_not_serve(redis: FakeRedis, change: dict[str, Any]) -> None:
    """An open port is no Redis: while it loads its file, or with a rotated password, sessions fail."""
    for name, value in change.items():
        setattr(redis, name, value)
    with pytest.raises(OSError, match=r"LOADING|WRONGPASS"):
        checks.Redis(f"redis://:secret@127.0.0.1:{redis.server_address[1]}")()


def test_a_restarted_redis_is_back_at_once(redis: FakeRedis) -> None:
    """The kept connection died with the old process; that is no reason to say it is still gone."""
    check = checks.Redis(f"redis://:secret@127.0.0.1:{redis.server_address[1]}")
    check()
    for connection in redis.open:
        connection.shutdown(socket.SHUT_RDWR)
    check()


class FakeDriver:
    """psycopg2 as far as it is used."""

    class Error(Exception):
        pass

    def __init__(self) -> None:
        self.connections = 0
        self.down = False
        self.broken = False
        self.settings: dict[str, Any] = {}

    def connect(self, url: str, **settings: Any) -> Any:
        if self.down:
            raise self.Error("connection refused")
        self.connections += 1
        self.broken = False
        self.settings = settings
        return self

    autocommit = False

    def cursor(self) -> FakeDriver:
        return self

    def __enter__(self) -> FakeDriver:
        return self

    def __exit__(self, *_: object) -> None: ...

    def execute(self, query: str) -> None:
        if self.broken or self.down:
            raise self.Error("server closed the connection unexpectedly")

    def fetchone(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    fake = FakeDriver()
    monkeypatch.setattr(checks.importlib, "import_module", lambda name: fake)
    return fake


def test_one_connection_is_kept_and_made_anew_when_it_broke(driver: FakeDriver) -> None:
    """A connection for each check would use up the database's own."""
    check: Callable[[], None] = checks.Database("postgres://x")
    check()
    check()
    assert driver.connections == 1 and driver.settings["connect_timeout"] == 2
    driver.broken = True
    check()
    assert driver.connections == 2
    driver.down = True
    with pytest.raises(FakeDriver.Error):
        check()
