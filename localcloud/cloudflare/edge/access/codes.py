"""One-time codes for logins. In the place of an e-mail, a code is a line of ``HOME/access/outbox.jsonl``.

A code has six digits, is good for ten minutes and for one login, and is gone after five wrong tries. An address that
policies would not let in gets an attempt that looks the same, and no code.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIFETIME = 600
"""Seconds."""
TRIES = 5
MAX_CODES = 30
"""Codes that an address gets within a code's lifetime, so that guessing is not begun anew for ever."""
MAX_ATTEMPTS = 10_000
OUTBOX = Path("access") / "outbox.jsonl"


@dataclass
class Attempt:
    """A login that waits for its code; ``code`` is None where none was sent. ``browser`` is whoever asked for it."""

    email: str
    browser: str
    code: str | None
    expires: float
    tries: int = 0


class Codes:
    """Attempts to log in, in memory: an edge that starts anew asks for another code."""

    def __init__(self, outbox: Path) -> None:
        self._outbox = outbox
        self._attempts: dict[str, Attempt] = {}

    def send(self, email: str, browser: str, *, allowed: bool, application: str) -> str:
        """Begin an attempt, with a code sent if ``allowed``; returns the attempt's name."""
        now = time.time()
        self._attempts = {name: one for name, one in self._attempts.items() if one.expires > now}
        while len(self._attempts) >= MAX_ATTEMPTS:
            self._attempts.pop(next(iter(self._attempts)))
        allowed = allowed and len(_fresh(self._outbox, email)) < MAX_CODES
        code = f"{secrets.randbelow(1_000_000):06}" if allowed else None
        name = secrets.token_urlsafe(24)
        self._attempts[name] = Attempt(email, browser, code, now + LIFETIME)
        if code is not None:
            self._deliver({"time": _text(now), "email": email, "code": code, "application": application,
                           "expires_at": _text(now + LIFETIME)})  # fmt: skip
        return name

    def address(self, name: str) -> str | None:
        """The address that an attempt is about, as long as it may still succeed."""
        attempt = self._attempts.get(name)
        return attempt.email if attempt and attempt.expires > time.time() else None

    def check(self, name: str, browser: str, code: str) -> str | None:
        """The address that has proved itself. The attempt is over with that, or with the last try."""
        attempt = self._attempts.get(name)
        if attempt is None or attempt.expires <= time.time():
            return None
        attempt.tries += 1
        digits = "".join(code.split())
        right = attempt.code is not None and hmac.compare_digest(attempt.code.encode(), digits.encode())
        right = right and hmac.compare_digest(attempt.browser.encode(), browser.encode())
        if right or attempt.tries >= TRIES:
            del self._attempts[name]
        return attempt.email if right else None

    def _deliver(self, entry: dict[str, Any]) -> None:
        kept = [*_fresh(self._outbox), entry]
        draft = self._outbox.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.writelines(json.dumps(one) + "\n" for one in kept)
        draft.replace(self._outbox)


def sent(home: Path, email: str | None = None) -> list[dict[str, Any]]:
    """Every code that was sent from an embedded cloud's home and is not too old, oldest first."""
    return _fresh(home / OUTBOX, email)


def _fresh(outbox: Path, email: str | None = None) -> list[dict[str, Any]]:
    try:
        lines = outbox.read_text().splitlines()
    except FileNotFoundError:
        return []
    now = _text(time.time())
    found = [json.loads(line) for line in lines]
    wanted = email.strip().lower() if email is not None else None
    return [one for one in found if one["expires_at"] > now and wanted in (None, one["email"])]


def last_code(home: Path, email: str) -> str | None:
    """The newest code that was sent to an address, if there is one that is not too old."""
    found = sent(home, email)
    return str(found[-1]["code"]) if found else None


def _text(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
