"""Every request, as one JSON line each: what was asked, by whom, and what was answered."""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from pathlib import Path
from typing import Any

KEPT = 2_000
"""Requests that can be asked for; the file keeps more."""
MAX_BYTES = 20_000_000
SECRET = {
    "user_data", "private_key", "root_password", "password", "token", "secret", "client_secret", "tunnel_secret",
    "text", "content_base64", "jwt", "value_base64",
}  # fmt: skip
"""Names of values that are nobody's to read in a log; ``text`` is a Worker's secret."""


def redacted(value: Any) -> Any:
    """``value`` without what must not be in a log."""
    if isinstance(value, dict):
        return {
            key: "[secret]" if key in SECRET and one else _headers(one) if key == "headers" else redacted(one)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [redacted(one) for one in value]
    return value


def _headers(value: Any) -> Any:
    """What a rule sets headers to: by one of them an origin knows the edge."""
    if not isinstance(value, dict):
        return redacted(value)
    return {
        name: {**one, "value": "[secret]"} if isinstance(one, dict) and "value" in one else redacted(one)
        for name, one in value.items()
    }


class Journal:
    """Appends to a file, moved aside to ``.1`` at 20 MB; the latest entries are also kept in memory."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._entries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._number = 0
        self._file = self._open()

    def _open(self) -> Any:
        if self._path is None:
            return None
        return os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", buffering=1)

    def add(self, entry: dict[str, Any]) -> None:
        """Number and store an entry (time, method, path, query, body, status, code, milliseconds, agent)."""
        with self._lock:
            self._number += 1
            entry = {"number": self._number, **entry, "body": redacted(entry.get("body"))}
            self._entries.append(entry)
            if self._file is None or self._path is None:
                return
            self._file.write(json.dumps(entry, separators=(",", ":")) + "\n")
            if self._file.tell() > MAX_BYTES:
                self._file.close()
                self._path.replace(self._path.with_suffix(self._path.suffix + ".1"))
                self._file = self._open()

    def since(self, number: int = 0) -> list[dict[str, Any]]:
        """The entries after ``number``, oldest first."""
        with self._lock:
            return [entry for entry in self._entries if entry["number"] > number]

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
