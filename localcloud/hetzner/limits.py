"""The request budget: a bucket that refills with one request a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

DEFAULT_PER_HOUR = 3600


class RateLimit:
    """``per_hour`` requests may come in one burst; then one every ``3600 / per_hour`` seconds."""

    def __init__(self, per_hour: int = DEFAULT_PER_HOUR, clock: Callable[[], float] = time.time) -> None:
        if per_hour < 1:
            raise ValueError(f"a rate limit must be at least 1 request an hour, not {per_hour}")
        self.per_hour = per_hour
        self._clock = clock
        self._tokens = float(per_hour)
        self._seen = clock()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Spend one request; False if there is none left."""
        with self._lock:
            self._refill()
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True

    def headers(self) -> dict[str, str]:
        """The three headers of every answer; ``Reset`` is the second when the budget is whole again."""
        with self._lock:
            self._refill()
            missing = self.per_hour - self._tokens
            return {
                "RateLimit-Limit": str(self.per_hour),
                "RateLimit-Remaining": str(int(self._tokens)),
                "RateLimit-Reset": str(int(self._seen + missing * 3600 / self.per_hour)),
            }

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(float(self.per_hour), self._tokens + (now - self._seen) * self.per_hour / 3600)
        self._seen = now
