"""An instance's node proxy as tests run it: HAProxy with the real configuration, before an echo in Medusa's place.

Only the configuration's paths, ports and user are this machine's.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from components.backend.bootstrap import origin
from components.backend.instance import BOOTSTRAP
from components.role import RUNTIME
from components.role_bundle import bundle

HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"
VARIABLES = {"instance": "local-medusa-1", "address": "127.0.0.1", "balancer": "10.0.4.10"}


class Echo(BaseHTTPRequestHandler):
    """Medusa and the readiness service in one: answers with what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        said = {"path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()}}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None: ...


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Proxy:
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def digests(self) -> str:
        return str(self.folder / "digests")

    @property
    def admin(self) -> str:
        return str(self.folder / "admin.sock")

    def accept(self, *secrets: str) -> str:
        """As the role does: into the file, then into the proxy that runs."""
        wanted = [origin.digest(secret) for secret in secrets]
        Path(self.digests).write_text("".join(f"{one}\n" for one in wanted))
        return origin.put(wanted, self.digests, self.admin) if self.process else ""

    def start(self) -> None:
        command = [HAPROXY, "-W", "-q", "-f", str(self.folder / "haproxy.cfg")]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.up()

    def up(self) -> None:
        end = time.monotonic() + 10
        while True:
            try:
                self.ask("/health")
                return
            except OSError:
                assert time.monotonic() < end, "haproxy does not start"
                time.sleep(0.02)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def ask(self, path: str, secret: str | None = None, method: str = "GET", **headers: str) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if secret is not None:
            given["X-Origin-Secret"] = secret
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, headers=given)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        lower = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, lower, json.loads(text) if text.startswith(b"{") else text)


@contextmanager
def running(folder: Path, *secrets: str) -> Iterator[Proxy]:
    """A proxy that accepts these, with its files in `folder`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    made = Proxy(folder, free_port())
    config = bundle("backend", RUNTIME, BOOTSTRAP, VARIABLES).members["role/haproxy.cfg"].content.decode()
    config = config.replace(origin.DIGESTS, made.digests).replace(origin.ADMIN_SOCKET, made.admin)
    config = config.replace("/etc/haproxy/releases.map", str(folder / "releases.map")).replace(":8000", f":{made.port}")
    config = re.sub(r"127\.0\.0\.1:(9000|9100)", f"127.0.0.1:{server.server_address[1]}", config)
    (folder / "haproxy.cfg").write_text(re.sub(r"(?m)^    (user|group|chroot) .*\n", "", config))
    (folder / "releases.map").write_text("9000 abcdef012345\n")
    made.accept(*secrets)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        server.shutdown()
        server.server_close()


def workers(master: int) -> set[str]:
    return set(Path(f"/proc/{master}/task/{master}/children").read_text().split())


@dataclass
class Edge:
    """Requests without a pause, on kept and on new connections, with the secret that the edge sends at the moment."""

    proxy: Proxy
    secret: str
    kept: bool = True
    sent: int = 0
    bad: list[str] = field(default_factory=list)

    def __enter__(self) -> Edge:
        self.end = threading.Event()
        kinds = [True, False] if self.kept else [False, False]
        self.threads = [threading.Thread(target=self.run, args=(kept,), daemon=True) for kept in kinds]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end.set()
        for thread in self.threads:
            thread.join(10)

    def run(self, kept: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=5)
        while not self.end.wait(0.002):
            try:
                connection.request("GET", "/store", headers={"X-Origin-Secret": self.secret})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.bad.append(str(answer.status))
            except (OSError, http.client.HTTPException) as error:
                self.bad.append(f"{type(error).__name__}: {error}")
                connection.close()
            if not kept:
                connection.close()
            self.sent += 1
        connection.close()

    def more(self, count: int = 40) -> None:
        """Until that many requests more were sent."""
        wanted, end = self.sent + count, time.monotonic() + 10
        while self.sent < wanted:
            assert time.monotonic() < end
            time.sleep(0.005)
