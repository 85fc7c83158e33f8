"""Cron triggers: which are due in a minute, and a Worker's ``scheduled`` handler run in workerd."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from localcloud.cloudflare.edge import cron, messages, split
from localcloud.cloudflare.edge.messages import Headers, Request
from localcloud.cloudflare.edge.routing import Table
from localcloud.cloudflare.edge.upstream import OriginError, Upstream
from localcloud.cloudflare.runtime.capnp import SCHEDULER
from localcloud.cloudflare.runtime.model import RuntimeFailure
from localcloud.cloudflare.runtime.runtime import Runtime

RUN_SECONDS = 900.0
"""Longest that a handler may take, as on Cloudflare."""
Schedules = Mapping[str, tuple[str, ...]]
"""Worker → cron expressions."""


class Minutes:
    """Says each minute once, the newest where some were missed. Times are in seconds since the epoch."""

    def __init__(self, now: float) -> None:
        self._last = int(now // 60)

    def begun(self, now: float) -> datetime | None:
        """The minute that has begun since this was asked last."""
        minute = int(now // 60)
        if minute <= self._last:
            return None
        self._last = minute
        return datetime.fromtimestamp(minute * 60, UTC)


def due(schedules: Schedules, minute: datetime) -> list[tuple[str, str]]:
    """(Worker, expression) of what runs in a minute; an expression that cannot be read never does."""
    found = []
    for worker, expressions in schedules.items():
        for expression in expressions:
            try:
                if cron.parse(expression).matches(minute):
                    found.append((worker, expression))
            except cron.CronError:
                continue
    return found


class Scheduler:
    """Runs ``scheduled`` handlers through a Worker of our own that workerd has beside the account's."""

    def __init__(self, table: Callable[[], Table], runtime: Runtime, upstream: Upstream) -> None:
        self._table = table
        self._runtime = runtime
        self._upstream = upstream

    async def run(self, worker: str, expression: str, moment: float) -> str:
        """Run a Worker's handler; returns once it and what it waits for are done: ``ok``, ``exception``…

        ``moment``: seconds since the epoch, the event's ``scheduledTime``.

        :raises RuntimeFailure: it does not run here.
        """
        deployment = self._table().deployment(worker)
        if deployment is None:
            raise RuntimeFailure(f"Worker {worker} has no deployment")
        version = split.choose(deployment, None)
        body = json.dumps({"version": version, "cron": expression, "time": round(moment * 1000)}).encode()
        headers = Headers([(b"host", b"scheduler"), (b"content-length", str(len(body)).encode())])
        request = Request(
            "POST", "http", "scheduler", "scheduler", "/", "", headers, "127.0.0.1", "1.1", messages.chunks(body)
        )
        with self._runtime.lease(SCHEDULER) as socket:
            try:
                response = await self._upstream.to_socket(socket, request, headers, seconds=RUN_SECONDS)
            except OriginError as error:
                raise RuntimeFailure(f"Worker {worker}: {error}") from None
            try:
                told = await response.read()
            finally:
                await response.aclose()
        if response.status != 200:
            raise RuntimeFailure(f"Worker {worker}: {told.decode(errors='replace')[:500]}")
        return str(json.loads(told)["outcome"])
