"""Seeing what machines do on their own: one that powers off from inside, or dies, is shown as ``off``."""

from __future__ import annotations

import logging
import threading

from localcloud.hetzner.cloud import Cloud
from localcloud.machines.interface import MachineError

log = logging.getLogger("localcloud.watch")
INTERVAL = 1.0
"""Seconds between two looks."""


class PowerWatch:
    """A thread that compares the servers' status with their machines."""

    def __init__(self, cloud: Cloud, interval: float = INTERVAL) -> None:
        self._cloud = cloud
        self._interval = interval
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="power-watch", daemon=True)

    @property
    def started(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def look(self) -> None:
        """Compare once."""
        cloud = self._cloud
        with cloud.store.transaction() as tx:
            watched = [row["id"] for row in tx.all("server") if row["status"] in ("running", "stopping")]
        for number in watched:
            try:
                running = cloud.machines.is_running(number)
            except MachineError as wrong:
                log.warning("server %d: %s", number, wrong)
                continue
            if not running:
                self._gone_off(number)

    def _gone_off(self, number: int) -> None:
        cloud = self._cloud
        # An action may be changing the machine right now (a reset, a rebuild): then what was seen means nothing.
        with cloud.store.transaction() as tx:
            row = tx.get("server", number)
            if row is None or ("server", number) in cloud.locks or row["status"] not in ("running", "stopping"):
                return
            log.info("server %d (%s) is off", number, row["name"])
            tx.edit("server", number).update(status="off", wanted="off")

    def _run(self) -> None:
        while not self._ended.wait(self._interval):
            try:
                self.look()
            except Exception:
                log.exception("looking at the machines failed")
