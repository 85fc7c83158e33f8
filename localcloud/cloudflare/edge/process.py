"""The edge's process, as its owner sees it: started, told what to serve, ended; from any thread."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import httpx

from localcloud.cloudflare.edge.control import encode
from localcloud.cloudflare.edge.rules.parser import parse
from localcloud.cloudflare.edge.snapshot import Snapshot
from localcloud.cloudflare.runtime.model import RuntimeFailure

ANSWER_SECONDS = 60.0
RUN_SECONDS = 960.0
"""Longest for a cron trigger: a little more than Cloudflare gives it."""
END_SECONDS = 10.0
AGAIN_SECONDS = 1.0
"""Between tries to start an edge again that does not start."""
PACKAGE_ROOT = Path(__file__).parents[3]

log = logging.getLogger("localcloud.cloudflare")


class EdgeFailure(Exception):
    """The edge does not run or refuses; the message is fit for the user."""


class EdgeProcess:
    """Runs the edge beside its owner and ends with it. One that died is started again at once, with what it served."""

    def __init__(
        self, home: Path, cache: Path, *, http_port: int = 8480, https_port: int = 8443, r2_socket: Path | None = None,
        content_socket: Path | None = None,
    ) -> None:  # fmt: skip
        self._home = home
        self._argv = [sys.executable, "-m", "localcloud.cloudflare.edge", "--follow"]
        self._argv += ["--home", str(home), "--cache", str(cache)]
        self._argv += ["--http-port", str(http_port), "--https-port", str(https_port)]
        self._argv += ["--r2-socket", str(r2_socket)] if r2_socket else []
        self._argv += ["--content-socket", str(content_socket)] if content_socket else []
        self._process: subprocess.Popen[str] | None = None
        self._served: bytes | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    @property
    def certificate_path(self) -> Path:
        """The local authority, to be trusted by clients."""
        return self._home / "ca" / "ca.pem"

    @property
    def log_path(self) -> Path:
        return self._home / "edge" / "edge.log"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it if it does not run; returns once it listens.

        :raises EdgeFailure: it did not start: a port is taken, workerd cannot be installed.
        """
        with self._lock:
            self._ensure()

    def apply(self, snapshot: Snapshot) -> None:
        """Serve this from now on; returns when it does.

        :raises RuntimeFailure: its Workers do not run; the former snapshot stays.
        :raises EdgeFailure: the edge does not answer.
        """
        data = encode(snapshot)
        with self._lock:
            self._ensure()
            self._ask("PUT", "/snapshot", data)
            self._served = data

    def check(self, snapshot: Snapshot) -> None:
        """Whether a snapshot's Workers would run.

        :raises RuntimeFailure: they would not, with workerd's words.
        """
        with self._lock:
            self._ensure()
            self._ask("POST", "/check", encode(snapshot))

    def scheduled(self, worker: str, expression: str, moment: float) -> str:
        """Run a Worker's ``scheduled`` handler, which may take minutes; its outcome.

        :raises RuntimeFailure: it does not run here.
        :raises EdgeFailure: the edge does not answer.
        """
        told = json.dumps({"worker": worker, "cron": expression, "time": moment}).encode()
        # Without the lock: what is to be served can be told meanwhile.
        return str(self._ask("POST", "/scheduled", told, RUN_SECONDS).json()["outcome"])

    def stop(self) -> None:
        """End it, with workerd, and wait until it has ended."""
        self._stopped.set()
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()

    def _ensure(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self.log_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.log_path.open("ab") as log:
            said_before = log.tell()
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)},
            )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "listening":
            self._process.wait()
            words = self.log_path.read_bytes()[said_before:].decode(errors="replace").strip()
            raise EdgeFailure(words.splitlines()[-1] if words else "The edge ended as it started.")
        self._stopped.clear()
        threading.Thread(target=self._follow, args=[self._process], name="edge-follower", daemon=True).start()
        if self._served is not None:
            self._ask("PUT", "/snapshot", self._served)

    def _follow(self, process: subprocess.Popen[str]) -> None:
        """Wait until an edge ends; unless that was asked for, have the next one in its place."""
        process.wait()
        while not self._stopped.is_set():
            with self._lock:
                if self._process is not process or self._stopped.is_set():
                    return
                log.warning("the edge ended by itself; starting it again")
                try:
                    self._ensure()
                except (EdgeFailure, RuntimeFailure) as wrong:
                    log.error("the edge does not start again: %s", wrong)
                    if self._process.poll() is None:
                        return  # it runs, and another thread follows it
                    process = self._process
                else:
                    return
            self._stopped.wait(AGAIN_SECONDS)

    def _ask(self, method: str, path: str, data: bytes, seconds: float = ANSWER_SECONDS) -> httpx.Response:
        transport = httpx.HTTPTransport(uds=str(self._home / "edge" / "control.sock"))
        try:
            with httpx.Client(transport=transport, base_url="http://edge", timeout=seconds) as client:
                answer = client.request(method, path, content=data)
        except httpx.HTTPError as error:
            raise EdgeFailure(f"The edge does not answer ({error}); its log: {self.log_path}") from None
        if answer.status_code == 422:
            raise RuntimeFailure(answer.json()["error"])
        if answer.is_error:
            raise EdgeFailure(f"The edge answered {answer.status_code}: {answer.text[:500]}; its log: {self.log_path}")
        return answer


def check_expression(expression: str) -> None:
    """Whether a rule's expression can be evaluated.

    :raises ExpressionError: it cannot, with the place.
    """
    parse(expression)
