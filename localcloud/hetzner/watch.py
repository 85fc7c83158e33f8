"""Seeing what machines do on their own: one that powers off from inside, or dies, is shown as ``off``."""

from __future__ import annotations

import logging
import threading

from localcloud.hetzner.cloud import Cloud
from localcloud.machines.interface import MachineError

log = logging.getLogger("localcloud.watch")
SETTLED = ("running", "stopping", "off")
INTERVAL = 0.75
"""Seconds between two looks."""
CERTAIN = 2
"""Looks in a row that must say the same: a machine that reboots is gone for a moment."""


class PowerWatch:
    """A thread that compares the servers' status with their machines."""

    def __init__(self, cloud: Cloud, interval: float = INTERVAL) -> None:
        self._cloud = cloud
        self._interval = interval
        self._ended = threading.Event()
        self._differing: dict[int, int] = {}
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
        with self._cloud.store.transaction() as tx:
            watched = [(row["id"], row["status"]) for row in tx.all("server") if row["status"] in SETTLED]
        for number, status in watched:
            try:
                running = self._cloud.machines.is_running(number)
            except MachineError as wrong:
                log.warning("server %d: %s", number, wrong)
                continue
            if running == (status != "off"):
                self._differing.pop(number, None)
                continue
            self._differing[number] = self._differing.get(number, 0) + 1
            if self._differing[number] >= CERTAIN:
                del self._differing[number]
                self._take_over(number, status, running)

    def _take_over(self, number: int, status: str, running: bool) -> None:
        cloud = self._cloud
        # An action may be changing the machine right now (a reset, a rebuild): then what was seen means nothing.
        with cloud.store.transaction() as tx:
            row = tx.get("server", number)
            if row is None or ("server", number) in cloud.locks or row["status"] != status:
                return
            found = "running" if running else "off"
            log.info("server %d (%s) is %s", number, row["name"], found)
            tx.edit("server", number).update(status=found, wanted=found)

    def _run(self) -> None:
        while not self._ended.wait(self._interval):
            try:
                self.look()
            except Exception:
                log.exception("looking at the machines failed")
