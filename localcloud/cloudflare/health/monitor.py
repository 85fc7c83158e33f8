"""When each health check is due, and what its answers make of its status; pure, by an injected clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from localcloud.cloudflare.store import Row

Judgement = tuple[str, str]
"""Status (``healthy``, ``unhealthy``, ``unknown``) and the reason of failure, empty where there is none."""


@dataclass
class Progress:
    """A check between two answers. ``due`` is in seconds of the clock."""

    version: str
    due: float
    fails: int = 0
    successes: int = 0


class Monitor:
    """Keeps count for every check that is declared and not suspended."""

    def __init__(self) -> None:
        self._known: dict[str, Progress] = {}

    def due(self, checks: Iterable[Row], now: float) -> list[Row]:
        """The checks to ask at ``now``; one that is new or was changed is due at once, and counts from nothing."""
        asked = [check for check in checks if not check["suspended"]]
        known = {}
        for check in asked:
            former = self._known.get(check["id"])
            same = former is not None and former.version == check["modified_on"]
            known[check["id"]] = former if former is not None and same else Progress(check["modified_on"], now)
        self._known = known
        found = [check for check in asked if known[check["id"]].due <= now]
        for check in found:
            progress = known[check["id"]]
            # From when it was due, so that a busy machine asks no less often, but never twice for what was missed.
            progress.due = max(progress.due + check["interval"], now + check["interval"] / 2)
        return found

    def next(self) -> float | None:
        """When the next check is due; None if there is none."""
        return min((progress.due for progress in self._known.values()), default=None)

    def judge(self, check: Row, reason: str) -> Judgement:
        """Count an answer (``reason``: why it failed, empty if it did not); what is now to be said of the check."""
        progress = self._known.setdefault(check["id"], Progress(check["modified_on"], 0.0))
        former: Judgement = (check["status"], check["failure_reason"])
        if reason:
            progress.fails += 1
            progress.successes = 0
            return ("unhealthy", reason) if progress.fails >= check["consecutive_fails"] else former
        progress.successes += 1
        progress.fails = 0
        return ("healthy", "") if progress.successes >= check["consecutive_successes"] else former
