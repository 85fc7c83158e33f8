"""What the edge says of maintenance, and waiting until it says what was asked for.

A write to KV is seen within about a minute: KV's cache (60 s) and the Worker's (5 s).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scripts.operator.errors import Exit, OperatorError

if TYPE_CHECKING:
    import httpx

PATIENCE_SECONDS = 120
BETWEEN_SECONDS = 1.0
"""Between two questions, while the answer is not the one that is wanted."""
TELL_EVERY_SECONDS = 10.0


@dataclass(frozen=True)
class Seen:
    """What one place of the edge says; `problem` is why it says nothing."""

    active: bool = False
    until: datetime | None = None
    announced: datetime | None = None
    """When the store will close."""
    problem: str = ""

    def words(self) -> str:
        """In a few words."""
        if self.problem:
            return self.problem
        if self.active:
            return f"closed, expected to end {self.until:%Y-%m-%d %H:%M}Z" if self.until else "closed, no end told"
        return f"open, closing {self.announced:%Y-%m-%d %H:%M}Z" if self.announced else "open"


def look(client: httpx.Client, storefront: str, status: str) -> Seen:
    """Ask the store's /health, and its status page for what is announced. `storefront` and `status` are their URLs."""
    health = _asked(client, f"{storefront}/health")
    if isinstance(health, str):
        return Seen(problem=health)
    now = health.get("maintenance") or {}
    page = _asked(client, f"{status}/status.json")
    if isinstance(page, str):
        return Seen(problem=page)
    coming = page.get("announced") or {}
    return Seen(bool(now.get("active")), _time(now.get("until")), _time(coming.get("from")))


def _asked(client: httpx.Client, url: str) -> dict[str, Any] | str:
    """The object that is answered, or why there is none."""
    import httpx

    try:
        answer = client.get(url, headers={"accept": "application/json"})
        body = answer.json()
    except httpx.HTTPError as error:
        return f"{url} does not answer: {error or type(error).__name__}"
    except ValueError:
        return f"{url} answers {answer.status_code} without JSON"
    return body if isinstance(body, dict) else f"{url} answers {answer.status_code} without an object"


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value).astimezone(UTC) if isinstance(value, str) else None
    except ValueError:
        return None


def wait(
    look: Callable[[], Seen],
    wanted: Callable[[Seen], bool],
    what: str,
    advice: str,
    seconds: float = PATIENCE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Seen:
    """Ask until the edge says what is wanted; OperatorError after `seconds`. Progress goes to stderr."""
    begun = told = clock()
    while True:
        seen = look()
        now = clock()
        if wanted(seen):
            return seen
        if now - begun >= seconds:
            raise OperatorError(
                f"it is written, but the edge does not say so after {seconds:.0f} s: {seen.words()}; {what} is wanted",
                advice=advice,
                code=Exit.UNWELL,
            )
        if told == begun or now - told >= TELL_EVERY_SECONDS:
            sys.stderr.write(f"written; waiting for the edge ({now - begun:.0f} s of {seconds:.0f}): {seen.words()}\n")
            told = now
        pause(min(BETWEEN_SECONDS, max(seconds - (now - begun), 0)))
