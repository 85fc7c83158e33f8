"""Keeping what is behind the cloud as its state says."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass

from localcloud.cloudflare.dataplane.interface import DataPlaneError

log = logging.getLogger("localcloud.cloudflare")


@dataclass(frozen=True)
class Part:
    """One thing of the data plane, and the kinds of rows that it depends on."""

    name: str
    kinds: frozenset[str]
    apply: Callable[[], None]
    at_once: bool = False
    """Told before whoever made the change is answered, so that what was just made can be used."""


class Publisher:
    """Tells the data plane what changed. Buckets, keys and pictures are told before the answer to whoever asked for
    them; traffic by a thread of its own, one state after the other, and what comes fast is taken together."""

    def __init__(self) -> None:
        self._parts: tuple[Part, ...] = ()
        self._condition = threading.Condition()
        self._apply = threading.Lock()
        self._kinds: set[str] | None = {"*"}
        self._busy = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self.problems: dict[str, str] = {}
        """What the data plane could not do, by part; it is tried again when anything of that part changes."""

    def start(self, parts: Iterable[Part]) -> None:
        """Tell everything, and from now on what changes."""
        self._parts = tuple(parts)
        self._tell({"*"}, at_once=True)
        self._thread.start()

    def notice(self, kinds: set[str]) -> None:
        """Rows of these kinds have changed."""
        self._tell(kinds, at_once=True)
        with self._condition:
            self._kinds = (self._kinds or set()) | kinds
            self._condition.notify_all()

    def settle(self, seconds: float = 30.0) -> bool:
        """Wait until the data plane serves what is declared; False if it took too long."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._kinds and not self._busy, seconds)

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
                self._condition.wait_for(lambda: self._kinds or self._closing)
                if self._closing:
                    return
                kinds, self._kinds, self._busy = self._kinds or set(), None, True
            self._tell(kinds, at_once=False)

    def _tell(self, kinds: set[str], at_once: bool) -> None:
        for part in self._parts:
            if part.at_once != at_once or ("*" not in kinds and not kinds & part.kinds):
                continue
            # Each reads the state anew: the last to come here tells the newest.
            with self._apply if at_once else nullcontext():
                self._try(part)

    def _try(self, part: Part) -> None:
        try:
            part.apply()
        except DataPlaneError as wrong:
            log.error("%s: %s", part.name, wrong)
            self.problems[part.name] = str(wrong)
        except Exception as wrong:
            log.exception("%s could not be applied", part.name)
            self.problems[part.name] = f"{type(wrong).__name__}: {wrong}"
        else:
            self.problems.pop(part.name, None)
