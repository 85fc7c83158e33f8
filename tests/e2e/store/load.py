"""A few customers, always the same few requests a second, every one counted: what scaling must not disturb."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import httpx

from scripts.operator import http

PER_SECOND = 8.0
TIMEOUT_SECONDS = 10.0


@dataclass
class Load:
    """`with Load(url, paths) as load:` sends requests until it ends.

    Half of them reuse connections, half open new ones: draining differs for the two. `failures` are (path, reason) of
    every request without a 200.
    """

    url: str
    paths: tuple[str, ...]
    headers: dict[str, str] = field(default_factory=dict)
    verify: bool = True
    """False for the load balancer itself: what it presents is for the edge, by another name than its address."""
    sent: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    instances: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    def __enter__(self) -> Load:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._customer, args=(kept,), daemon=True) for kept in (True, False)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS * 2)

    def _customer(self, keep: bool) -> None:
        limits = httpx.Limits(max_keepalive_connections=4 if keep else 0)
        options: dict[str, Any] = {"headers": self.headers, "timeout": TIMEOUT_SECONDS, "limits": limits}
        if not self.verify:
            options["verify"] = False
        with http.client(self.url, trust_env=False, **options) as client:
            number = 0
            while not self._stop.wait(len(self._threads) / PER_SECOND):
                self._request(client, self.paths[number % len(self.paths)])
                number += 1

    def _request(self, client: httpx.Client, path: str) -> None:
        started = time.monotonic()
        try:
            answer = client.get(path)
            reason = "" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:100]}"
            instance = answer.headers.get("x-instance", "?")
        except httpx.HTTPError as error:
            reason, instance = f"{type(error).__name__}: {error}", "?"
        with self._lock:
            self.sent += 1
            self.instances[instance] += 1
            self.slowest = max(self.slowest, time.monotonic() - started)
            if reason:
                self.failures.append((f"{time.strftime('%H:%M:%S')} {path}", reason))
