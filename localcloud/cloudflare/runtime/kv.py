"""Workers KV: namespaces of keys in one SQLite file, which the API and the Workers' bindings share."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
  namespace TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, metadata TEXT, expiration INTEGER,
  PRIMARY KEY (namespace, key)
) WITHOUT ROWID
"""
MAX_KEYS = 1000
"""Keys in one page of a listing, at most and by default."""


@dataclass(frozen=True)
class Entry:
    """A value with its metadata (any JSON) and the second of the epoch at which it ends, if it does."""

    key: str
    value: bytes
    metadata: Any = None
    expiration: int | None = None


class KvStore:
    """Values by namespace and key; what has expired is not there."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self._open() as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(SCHEMA)

    def get(self, namespace: str, key: str) -> Entry | None:
        with self._open() as database:
            row = database.execute(
                "SELECT key, value, metadata, expiration FROM entries WHERE namespace = ? AND key = ?"
                " AND (expiration IS NULL OR expiration > ?)",
                (namespace, key, time.time()),
            ).fetchone()
        return _entry(row) if row else None

    def put(self, namespace: str, entry: Entry) -> None:
        metadata = None if entry.metadata is None else json.dumps(entry.metadata, separators=(",", ":"))
        with self._open() as database:
            database.execute(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)",
                (namespace, entry.key, entry.value, metadata, entry.expiration),
            )

    def delete(self, namespace: str, key: str) -> None:
        with self._open() as database:
            database.execute("DELETE FROM entries WHERE namespace = ? AND key = ?", (namespace, key))

    def delete_namespace(self, namespace: str) -> None:
        with self._open() as database:
            database.execute("DELETE FROM entries WHERE namespace = ?", (namespace,))

    def list(
        self, namespace: str, *, prefix: str = "", after: str = "", limit: int = MAX_KEYS
    ) -> tuple[list[Entry], str | None]:
        """A page of entries in the keys' order (values left empty), and the key to go on after, None at the end."""
        with self._open() as database:
            rows = database.execute(
                "SELECT key, x'', metadata, expiration FROM entries WHERE namespace = ? AND key > ?"
                " AND substr(key, 1, ?) = ? AND (expiration IS NULL OR expiration > ?) ORDER BY key LIMIT ?",
                (namespace, after, len(prefix), prefix, time.time(), limit + 1),
            ).fetchall()
        page = [_entry(row) for row in rows[:limit]]
        return page, page[-1].key if len(rows) > limit else None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10)) as database, database:
            yield database


def _entry(row: tuple[str, bytes, str | None, int | None]) -> Entry:
    key, value, metadata, expiration = row
    return Entry(key, bytes(value), json.loads(metadata) if metadata else None, expiration)
