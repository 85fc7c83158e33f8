"""A REST server of no opinion: keeps what it is given, records every call, and answers as the API v4 does.

Not a Cloudflare: the embedded one is tested elsewhere. This one shows what the plugin sends, and says what a test wants
it to say.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BASE = "/client/v4"
ACCOUNT = "a" * 32
ZONE = "b" * 32
NOW = "2026-07-01T12:00:00Z"


@dataclass
class Request:
    """One call as it came in; ``body`` is parsed JSON, else bytes, else None."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


Answerer = Callable[[Request], tuple[int, Any] | None]
"""What a special path answers: status and result (bytes go as they are); None for what the store says."""


@dataclass
class Stub:
    """The server's store and its record."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    things: dict[str, Any] = field(default_factory=dict)
    special: list[tuple[str, Answerer]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    shapes: list[tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = field(default_factory=list)
    """What the API adds to a thing it keeps, by the path that it was made at."""
    keys: dict[str, str] = field(default_factory=dict)
    """Collections (by pattern) whose things are found by one of their own members."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def lines(self) -> list[str]:
        return [request.line for request in self.requests]

    @property
    def last(self) -> Request:
        return self.requests[-1]

    def fail(self, status: int, times: int = 1, code: int = 10000, **headers: str) -> None:
        self.failures.append({"status": status, "times": times, "code": code, "headers": headers})

    def answer(self, request: Request) -> tuple[int, Any, dict[str, str]]:
        if self.failures:
            failure = self.failures[0]
            failure["times"] -= 1
            if failure["times"] <= 0:
                self.failures.pop(0)
            headers = {name.replace("_", "-"): value for name, value in failure["headers"].items()}
            return failure["status"], {"code": failure["code"], "message": "asked to fail"}, headers
        for pattern, answerer in self.special:
            if re.fullmatch(pattern, request.path) and (said := answerer(request)) is not None:
                return said[0], said[1], {}
        return *self._store(request), {}

    def _store(self, request: Request) -> tuple[int, Any]:
        path, body = request.path, request.body
        if request.method == "GET":
            if path in self.things:
                return 200, self.things[path]
            below = [thing for at, thing in self.things.items() if at.rpartition("/")[0] == path]
            if below:
                return 200, below if request.query.get("page", ["1"]) == ["1"] else []
            return 404, {"code": 1001, "message": "not found"}
        if request.method == "DELETE":
            if self.things.pop(path, None) is None:
                return 404, {"code": 1001, "message": "not found"}
            return 200, {"id": path.rpartition("/")[2]}
        if request.method == "POST" and path not in self.things:
            key = next((key for pattern, key in self.keys.items() if re.fullmatch(pattern, path)), None)
            id = body[key] if key else f"{next(self.numbers):032x}"
            thing = self._shaped(path, body if key else {"id": id, **body})
            self.things[f"{path}/{id}"] = thing
            return 200, thing
        before = self.things.get(path) or {}
        kept = {name: before[name] for name in ("id", "created_on") if name in before}
        if request.method == "PATCH":
            kept = before
        thing = self._shaped(path, {**kept, **(body or {})})
        self.things[path] = thing
        return 200, thing

    def _shaped(self, path: str, thing: dict[str, Any]) -> dict[str, Any]:
        for pattern, shape in self.shapes:
            if re.fullmatch(pattern, path):
                thing = shape(thing)
        return thing


@contextmanager
def serve_stub() -> Iterator[Stub]:
    """Serve on a free port of loopback until the context ends."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.close_connection = True
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                return
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            is_json = (self.headers.get("Content-Type") or "").startswith("application/json")
            parts = urlsplit(self.path)
            request = Request(
                self.command,
                parts.path.removeprefix(BASE),
                parse_qs(parts.query),
                {name.lower(): value for name, value in self.headers.items()},
                json.loads(content) if is_json and content else content or None,
            )
            stub.requests.append(request)
            status, result, headers = stub.answer(request)
            if isinstance(result, bytes):
                payload = result
            elif status >= 400:
                failed = {"result": None, "success": False, "errors": [result], "messages": []}
                payload = json.dumps(failed).encode()
            else:
                done = {"result": result, "success": True, "errors": [], "messages": []}
                payload = json.dumps(done, separators=(",", ":")).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    stub.url = f"http://127.0.0.1:{server.server_port}{BASE}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
