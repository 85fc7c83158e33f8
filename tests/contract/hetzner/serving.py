"""An embedded cloud for tests: served from this process, on machines that are only remembered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from localcloud.hetzner.app import create_app
from localcloud.hetzner.catalogue import Catalogue
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.limits import RateLimit
from localcloud.hetzner.resume import resume
from localcloud.hetzner.store import Store
from localcloud.hetzner.watch import PowerWatch
from localcloud.machines.interface import MachineError
from localcloud.machines.memory import MemoryMachines
from tests.contract.listening import listening

TOKEN = "t" * 64
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGKpx1+MSHD0kzoz6eNhGnPH/sWuKTFmqRzYEXWBqBpF somebody"


class SlowMachines(MemoryMachines):
    """Machines whose work can be held up and made to fail, so that what happens meanwhile can be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.failing: dict[str, str] = {}
        self._gates: dict[str, threading.Event] = {}

    def hold(self, method: str) -> None:
        """Let every call of ``method`` wait until :meth:`release`."""
        self._gates[method] = threading.Event()

    def release(self) -> None:
        for gate in self._gates.values():
            gate.set()

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if not callable(found) or not hasattr(MemoryMachines, name) or name.startswith("_"):
            return found

        def call(*arguments: Any, **options: Any) -> Any:
            self.calls.append((name, arguments))
            gate = self._gates.get(name)
            if gate is not None and not gate.wait(30):
                raise AssertionError(f"nobody released {name}")
            if name in self.failing:
                raise MachineError(self.failing[name])
            return found(*arguments, **options)

        return call

    def asked(self, *names: str) -> list[str]:
        """The names of the calls so far, in order; only ``names`` if given."""
        return [name for name, _ in self.calls if not names or name in names]


@dataclass
class Served:
    """A running cloud, and a client of it that knows the token."""

    url: str
    cloud: Cloud
    machines: SlowMachines
    http: httpx.Client
    watch: PowerWatch
    seen: Callable[[httpx.Request, httpx.Response], None] | None = field(default=None)

    def ask(self, method: str, path: str, body: Any = None, status: int | None = None) -> Any:
        """The JSON answer; fails unless it has ``status`` (by default any success)."""
        response = self.http.request(method, f"/v1{path}", json=body) if body is not None else self.http.request(
            method, f"/v1{path}"
        )  # fmt: skip
        expected = response.is_success if status is None else response.status_code == status
        assert expected, f"{method} {path} {body}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def get(self, path: str, status: int | None = None) -> Any:
        return self.ask("GET", path, status=status)

    def post(self, path: str, body: Any = None, status: int | None = None) -> Any:
        return self.ask("POST", path, body, status)

    def error(self, method: str, path: str, body: Any = None) -> tuple[int, str, dict[str, Any]]:
        """(status, code, the whole error) of a request that must fail."""
        response = self.http.request(method, f"/v1{path}", json=body)
        assert response.is_error, f"{method} {path} {body} was accepted: {response.text}"
        error = response.json()["error"]
        return response.status_code, error["code"], error

    def done(self, answer: Any) -> Any:
        """Wait for the actions of an answer, all of which must succeed; returns the answer."""
        found = [answer.get("action"), *answer.get("actions", []), *answer.get("next_actions", [])]
        for action in filter(None, found):
            ended = self.wait(action["id"])
            assert ended["status"] == "success", ended
        return answer

    def wait(self, action_id: int) -> Any:
        """The action once it has ended."""
        return eventually(lambda: _ended(self.get(f"/actions/{action_id}")["action"]))

    def network(self, name: str = "net", zone: str = "eu-central") -> int:
        subnet = {"type": "cloud", "ip_range": "10.0.1.0/24", "network_zone": zone}
        body = {"name": name, "ip_range": "10.0.0.0/16", "subnets": [subnet]}
        return int(self.post("/networks", body)["network"]["id"])

    def server(self, name: str = "web-1", **rest: Any) -> int:
        """A server that runs (or, with ``start_after_create=False``, is off)."""
        body = {"name": name, "server_type": "cx23", "image": "debian-13", "location": "nbg1", **rest}
        return int(self.done(self.post("/servers", body))["server"]["id"])

    def load_balancer(self, name: str = "lb", **rest: Any) -> int:
        body = {"name": name, "load_balancer_type": "lb11", "location": "nbg1", **rest}
        return int(self.done(self.post("/load_balancers", body))["load_balancer"]["id"])


def _ended(action: Any) -> Any:
    return action if action["status"] != "running" else None


def eventually(condition: Callable[[], Any], seconds: float = 10) -> Any:
    """What ``condition`` returns once it is true."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@contextmanager
def serve(
    state: Path | str = ":memory:",
    machines: SlowMachines | None = None,
    per_hour: int = 1_000_000,
    limits: dict[str, int] | None = None,
) -> Iterator[Served]:
    """Run a cloud on a free port until the context ends."""
    machines = machines or SlowMachines()
    store = Store(state)
    cloud = Cloud(store, machines, Catalogue(), limits)
    resume(cloud)
    try:
        with (
            listening(create_app(cloud, TOKEN, RateLimit(per_hour))) as url,
            httpx.Client(
                base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False, timeout=30
            ) as http,
        ):
            try:
                yield Served(url, cloud, machines, http, PowerWatch(cloud))
            finally:
                machines.release()
    finally:
        cloud.workers.wait_idle(15)
        cloud.workers.close()
        store.close()
