"""Logins that hold: a token of a person counts only while its session is here, so that a logout ends all of them."""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Session:
    """A login of a person, by one browser; times in seconds since the epoch. ``method`` is the provider's id."""

    nonce: str
    user: str
    email: str
    method: str
    ip: str
    country: str
    begun: int
    expires: int
    generation: str = ""
    """Of the person's tokens: a session of a former one is over."""


class Sessions:
    """Sessions in ``path``, a JSON file (0600) that is written at logins and logouts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._live = {one["nonce"]: Session(**one) for one in json.loads(path.read_text())}
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            self._live = {}  # everybody logs in again

    def begin(
        self, user: str, email: str, method: str, ip: str, country: str, lifetime: float, generation: str = ""
    ) -> Session:
        """``lifetime`` in seconds."""
        now = int(time.time())
        nonce = secrets.token_hex(8)
        session = Session(nonce, user, email, method, ip, country, now, now + int(lifetime), generation)
        self._live[session.nonce] = session
        self._save()
        return session

    def get(self, nonce: str) -> Session | None:
        session = self._live.get(nonce)
        return session if session and session.expires > time.time() else None

    def extend(self, nonce: str, until: float) -> None:
        """Keep a session as long as a token that was issued from it: it may outlive the login's own."""
        session = self._live.get(nonce)
        if session is not None and session.expires < until:
            self._live[nonce] = replace(session, expires=int(until))
            self._save()

    def end(self, user: str) -> None:
        """Log a person out everywhere."""
        self._live = {nonce: one for nonce, one in self._live.items() if one.user != user}
        self._save()

    def _save(self) -> None:
        now = time.time()
        self._live = {nonce: one for nonce, one in self._live.items() if one.expires > now}
        draft = self._path.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump([asdict(one) for one in self._live.values()], file)
        draft.replace(self._path)
