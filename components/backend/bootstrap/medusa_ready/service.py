"""Whether this instance can serve customers now: GET /health within a second, always.

200 {"status": "ok", "database": "connected", "redis": "connected"} exactly when Medusa answers, a query and a PING
succeed; else 503 with the same keys. Medusa's own /health stays 200 with the database gone, and requests then hang.

Runs on an instance as `medusa-ready` with DATABASE_URL and REDIS_URL in its environment. Redis is the durable one:
without the cache Medusa serves on, only slower. GET /accepting: 200 unless drained (the node proxy asks). GET /drain:
{"draining", "noticed", "welcomed"}: how often the load balancer was told so, and how often in a row that all is well.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .checks import TIMEOUT, Database, Redis, medusa

PORT = 9100
DRAIN_FLAG = Path("/run/store-drain/draining")
CUSTOMER = "customer"
"""What the node proxy says of a request that the load balancer forwarded, instead of an address."""
DEADLINE = TIMEOUT
"""Seconds that a round of checks may take; what has not answered by then is not connected."""
GRACE = 1.0
"""Seconds for which a success excuses a late check: a busy moment is no outage, and a hang is told a second on."""
FRESH = 0.4
"""Seconds that a round's result is told again: many who ask cost the database one query."""


class Probe:
    """Runs one check in a thread of its own, so that one that hangs holds nobody up but itself."""

    def __init__(self, name: str, check: Callable[[], None]) -> None:
        self.name = name
        self.check = check
        self.problem: str | None = "not asked yet"
        self.succeeded = float("-inf")
        self.idle = threading.Event()
        self.idle.set()
        self.wanted = threading.Event()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def begin(self) -> None:
        """Ask once more, unless the last question is still open."""
        if self.idle.is_set():
            self.idle.clear()
            self.wanted.set()

    def end(self, seconds: float) -> str | None:
        """The problem, None for none, after `seconds` at most."""
        if self.idle.wait(max(seconds, 0)):
            return self.problem
        return None if time.monotonic() - self.succeeded < GRACE else "does not answer in time"

    def _run(self) -> None:
        while True:
            self.wanted.wait()
            self.wanted.clear()
            try:
                self.check()
                self.problem = None
                self.succeeded = time.monotonic()
            except Exception as error:  # whatever it is, the answer is no; what it was goes to the journal
                self.problem = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
            self.idle.set()


class Readiness:
    """The instance's state, found out at most every FRESH seconds however many ask."""

    def __init__(self, checks: Mapping[str, Callable[[], None]], flag: Path = DRAIN_FLAG) -> None:
        self.probes = {name: Probe(name, check) for name, check in checks.items()}
        self.flag = flag
        self.lock = threading.Lock()
        self.found: dict[str, str | None] = {}
        self.at = float("-inf")
        self.told: dict[str, bool] = {}
        self.noticed = 0
        self.welcomed = 0

    def health(self, client: str, balancer: str) -> tuple[int, dict[str, str]]:
        """Status and body for whoever asks; an answer to the balancer while draining is counted.

        A customer's request that still comes is told of the store, not of this instance's leaving: the store is well,
        and whoever watches it from outside must not be woken by a scale-down.
        """
        found = self._round()
        body = {
            "status": "ok",
            "database": "disconnected" if found["database"] else "connected",
            "redis": "disconnected" if found["redis"] else "connected",
        }
        if self.draining() and client != CUSTOMER:
            body["status"] = "draining"
        elif any(found.values()):
            body["status"] = "error"
        if client == balancer:
            self._count(body["status"])
        return 200 if body["status"] == "ok" else 503, body

    def _count(self, status: str) -> None:
        with self.lock:
            self.noticed += status == "draining"
            self.welcomed = self.welcomed + 1 if status == "ok" else 0

    def draining(self) -> bool:
        there = self.flag.exists()
        if not there and self.noticed:
            with self.lock:
                self.noticed = 0
        return there

    def balancer(self) -> dict[str, object]:
        """What the load balancer has been told."""
        return {"draining": self.draining(), "noticed": self.noticed, "welcomed": self.welcomed}

    def _round(self) -> dict[str, str | None]:
        with self.lock:
            if time.monotonic() - self.at < FRESH:
                return self.found
            end = time.monotonic() + DEADLINE
            for probe in self.probes.values():
                probe.begin()
            self.found = {name: probe.end(end - time.monotonic()) for name, probe in self.probes.items()}
            self.at = time.monotonic()
            self._tell()
            return self.found

    def _tell(self) -> None:
        """Each change in the journal: what went, why, and that it is back."""
        for name, problem in self.found.items():
            if self.told.get(name) != (problem is None):
                self.told[name] = problem is None
                print(f"{name}: {problem or 'connected'}", flush=True)


def handler(readiness: Readiness, balancer: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            if self.path == "/health":
                self._answer(*readiness.health(self.headers.get("X-Health-Client", ""), balancer))
            elif self.path == "/accepting":
                draining = readiness.draining()
                self._answer(503 if draining else 200, {"accepting": not draining})
            elif self.path == "/drain":
                self._answer(200, readiness.balancer())
            else:
                self._answer(404, {"message": "there is only /health here"})

        do_HEAD = do_GET

        def _answer(self, status: int, body: Mapping[str, object]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing for each request: health is asked all day long."""

    return Handler


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked and did not wait for the answer is no fault of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def main() -> int:
    for name in ("DATABASE_URL", "REDIS_URL"):
        if not os.environ.get(name):
            print(f"{name} is not set; it comes from /etc/medusa/ready.env", file=sys.stderr)
            return 78
    checks: dict[str, Callable[[], None]] = {
        "database": Database(os.environ["DATABASE_URL"]),
        "redis": Redis(os.environ["REDIS_URL"]),
        "medusa": medusa,
    }
    readiness = Readiness(checks)
    Server(("127.0.0.1", PORT), handler(readiness, os.environ.get("BALANCER_ADDRESS", ""))).serve_forever()
    return 0
