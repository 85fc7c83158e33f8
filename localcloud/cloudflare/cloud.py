"""The cloud: its state, and what is behind it kept as the state says."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Iterable

from localcloud.cloudflare.dataplane.interface import DataPlane, DataPlaneError
from localcloud.cloudflare.store import Store

log = logging.getLogger("localcloud.cloudflare")
RETRY_SECONDS = 5.0


def account_id(token: str) -> str:
    """The account's id: it belongs to the token, so that a shell can be told of it before the cloud has run."""
    return hashlib.sha256(f"account {token}".encode()).hexdigest()[:32]


class Cloud:
    """What all handlers share. ``token`` is the owner's, which may do everything."""

    def __init__(self, store: Store, dataplane: DataPlane, token: str, zones: Iterable[str] = ()) -> None:
        self.store = store
        self.dataplane = dataplane
        self.token = token
        self.account_id = account_id(token)
        self.zones = tuple(zones)
        self.publisher = Publisher(self)

    def start(self) -> None:
        """Make the account and its zones if they are not there, and put the data plane into the state's shape."""
        from localcloud.cloudflare.zones.routes import ensure

        with self.store.transaction() as tx:
            for name in self.zones:
                ensure(tx, self.account_id, name)
        self.store.changed = self.publisher.notice
        self.publisher.start()

    def close(self) -> None:
        self.publisher.close()


class Publisher:
    """Tells the data plane what changed, one state after the other, in a thread of its own; what comes fast is taken
    together."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._condition = threading.Condition()
        self._kinds: set[str] | None = {"*"}
        self._busy = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self.problems: dict[str, str] = {}
        """What the data plane could not do, by part; it is tried again when anything of that part changes."""

    def start(self) -> None:
        self._thread.start()

    def notice(self, kinds: set[str]) -> None:
        """Rows of these kinds have changed."""
        with self._condition:
            self._kinds = (self._kinds or set()) | kinds
            self._condition.notify_all()

    def settle(self, seconds: float = 30.0) -> bool:
        """Wait until the data plane serves what is declared; False if it took too long."""
        end = time.monotonic() + seconds
        with self._condition:
            while self._kinds or self._busy:
                if not self._condition.wait(max(0.0, end - time.monotonic())) and time.monotonic() >= end:
                    return False
        return True

    def close(self) -> None:
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._busy = False
                self._condition.notify_all()
                while not self._kinds and not self._closing:
                    self._condition.wait()
                if self._closing:
                    return
                kinds, self._kinds, self._busy = self._kinds or set(), None, True
            self._publish(kinds)

    def _publish(self, kinds: set[str]) -> None:
        from localcloud.cloudflare import assemble

        for part in assemble.PARTS:
            if "*" not in kinds and not kinds & part.kinds:
                continue
            try:
                part.apply(self._cloud)
            except DataPlaneError as wrong:
                log.error("%s: %s", part.name, wrong)
                self.problems[part.name] = str(wrong)
            except Exception as wrong:
                log.exception("%s could not be applied", part.name)
                self.problems[part.name] = f"{type(wrong).__name__}: {wrong}"
            else:
                self.problems.pop(part.name, None)
