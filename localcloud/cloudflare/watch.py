"""What happens by the clock: health checks ask, cron triggers run, and whoever wants to know is told.

One thread with one event loop, for all of them.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localcloud.cloudflare.alerting import notify
from localcloud.cloudflare.cloud import Cloud
from localcloud.cloudflare.dataplane.interface import DataPlaneError
from localcloud.cloudflare.edge.routing import Table
from localcloud.cloudflare.edge.schedules import Minutes, due
from localcloud.cloudflare.edge.snapshot import CustomDomain, Record, Snapshot, Zone
from localcloud.cloudflare.edge.upstream import Upstream
from localcloud.cloudflare.health import probe
from localcloud.cloudflare.health.monitor import Monitor
from localcloud.cloudflare.health.probe import EdgePorts
from localcloud.cloudflare.routing import now as timestamp
from localcloud.cloudflare.store import Row, Transaction
from localcloud.common.journal import Journal

IDLE_SECONDS = 5.0
"""How soon a new check or schedule is noticed: the shortest interval of a check."""
END_SECONDS = 10.0
log = logging.getLogger("localcloud.cloudflare")


class Watch:
    """Runs between :meth:`start` and :meth:`stop`. ``edge``: its ports, None where nobody is served by host name."""

    def __init__(self, cloud: Cloud, journal: Journal, home: Path, edge: EdgePorts | None) -> None:
        self._cloud = cloud
        self._journal = journal
        self._home = home
        self._edge = edge
        self._monitor = Monitor()
        self._upstream = Upstream()
        self._running: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread.start()

    def stop(self) -> None:
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._done.set)
            self._thread.join(END_SECONDS)

    def _run(self) -> None:
        assert self._loop is not None
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._watch())
        finally:
            self._loop.close()

    async def _watch(self) -> None:
        # An edge that has not been told yet what it serves makes nobody unhealthy.
        await asyncio.to_thread(self._cloud.publisher.settle, END_SECONDS)
        minutes = Minutes(time.time())
        while not self._done.is_set():
            try:
                self.check(time.monotonic())
                if (minute := minutes.begun(time.time())) is not None:
                    self.trigger(minute)
            except Exception:
                log.exception("what is due could not be found out")
            waited = min(IDLE_SECONDS, 60.0 - time.time() % 60.0 + 0.01)
            if (following := self._monitor.next()) is not None:
                waited = min(waited, max(0.05, following - time.monotonic()))
            try:
                await asyncio.wait_for(self._done.wait(), waited)
            except TimeoutError:
                continue
        await self.aclose()

    async def aclose(self) -> None:
        """End what was begun."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._upstream.aclose()

    def check(self, now: float) -> list[asyncio.Task[None]]:
        """Ask every check that is due at ``now``, in seconds of a clock that never goes back."""
        with self._cloud.store.transaction() as tx:
            rows = [(zone, row) for zone, row in tx.everywhere("healthcheck")]
            asked = self._monitor.due((row for _, row in rows), now)
            if not asked:
                return []
            table = Table(_names(tx, self._cloud.account_id))
        zones = {row["id"]: zone for zone, row in rows}
        return [self._spawn(self._ask(zones[row["id"]], row, table)) for row in asked]

    async def _ask(self, zone: str, check: Row, table: Table) -> None:
        authorities = table.snapshot.origin_authorities
        own = self._home / "ca" / "ca.pem"
        await self._upstream.trust((*authorities, *([own.read_text()] if own.exists() else [])))
        reason = await probe.ask(self._upstream, table, check, self._edge)
        for notice in self._judge(zone, check["id"], reason):
            problem = await notify.deliver(self._upstream, self._home / "outbox.jsonl", self._cloud.account_id, notice)
            if problem:
                log.warning("notification '%s' to %s: %s", notice.row["name"], notice.row["mechanism"], problem)
            if notice.webhook is not None:
                self._note_delivery(notice.webhook["id"], "last_failure" if problem else "last_success")

    def _judge(self, zone: str, identity: str, reason: str) -> list[notify.Notice]:
        """Write down what an answer makes of a check; whom to tell."""
        with self._cloud.store.transaction() as tx:
            row = tx.get("healthcheck", zone, identity)
            owner = tx.get("zone", self._cloud.account_id, zone)
            if row is None or row["suspended"] or owner is None:
                return []
            former = row["status"]
            status, failure = self._monitor.judge(row, reason)
            if (status, failure) == (former, row["failure_reason"]):
                return []
            row = tx.edit("healthcheck", zone, identity)
            row["status"], row["failure_reason"] = status, failure
            if status == former:
                return []
            log.info("health check %s is %s%s", row["name"], status, f": {failure}" if failure else "")
            # That a new check is healthy is no news.
            if former == "unknown" and status == "healthy":
                return []
            return notify.health_changed(tx, self._cloud.account_id, owner, row, failure)

    def _note_delivery(self, webhook: str, name: str) -> None:
        with self._cloud.store.transaction() as tx:
            if tx.get("webhook", self._cloud.account_id, webhook) is not None:
                tx.edit("webhook", self._cloud.account_id, webhook)[name] = timestamp()

    def trigger(self, minute: datetime) -> list[asyncio.Task[None]]:
        """Run what is scheduled for a minute."""
        schedules = self._cloud.dataplane.traffic.schedules
        return [self._spawn(self._run_scheduled(*one, minute.timestamp())) for one in due(schedules, minute)]

    async def _run_scheduled(self, worker: str, expression: str, moment: float) -> None:
        await asyncio.to_thread(run_scheduled, self._cloud, self._journal, worker, expression, moment)

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("what was due failed", exc_info=error)


def run_scheduled(cloud: Cloud, journal: Journal, worker: str, expression: str, moment: float) -> str:
    """Run a Worker's cron trigger, and write it into the journal; its outcome."""
    started = time.perf_counter()
    try:
        outcome = cloud.dataplane.traffic.run_scheduled(worker, expression, moment)
    except DataPlaneError as wrong:
        outcome = str(wrong)
    if outcome != "ok":
        log.error("cron trigger '%s' of Worker %s: %s", expression, worker, outcome)
    took = round((time.perf_counter() - started) * 1000, 1)
    at = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = 200 if outcome == "ok" else 500
    journal.add({
        "time": timestamp(), "method": "CRON", "path": worker, "query": expression, "status": status,
        "milliseconds": took, "body": {"scheduled": at, "outcome": outcome}, "agent": "cron trigger",
    })  # fmt: skip
    return outcome


def _names(tx: Transaction, account: str) -> Snapshot:
    """What host names lead to, without the Workers themselves."""
    zones = tx.all("zone", account)
    return Snapshot(
        zones=tuple(Zone(zone["id"], zone["name"]) for zone in zones),
        custom_domains=tuple(CustomDomain(row["hostname"], row["service"]) for row in tx.all("worker_domain", account)),
        records=tuple(
            Record(zone["id"], row["name"], row["type"], row["content"], row["proxied"])
            for zone in zones
            for row in tx.all("dns_record", zone["id"])
            if row["proxiable"]
        ),
        origin_authorities=tuple(filter(None, [tx.get_meta("origin_ca", {}).get("certificate")])),
    )
