"""Workers KV: namespaces of keys in one SQLite file, which the API and the Workers' bindings share."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from localcloud.cloudflare.dataplane.interface import Value

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
  namespace TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, metadata TEXT, expiration INTEGER,
  PRIMARY KEY (namespace, key)
) WITHOUT ROWID
"""
ALIVE = "(expiration IS NULL OR expiration > ?)"
ALL = -1


class KvStore:
    """The data plane's ``Values``: any process may open the same file, and calls come from any thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self._open() as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(SCHEMA)

    def get(self, namespace: str, key: str) -> Value | None:
        with self._open() as database:
            row = database.execute(
                f"SELECT value, metadata, expiration FROM entries WHERE namespace = ? AND key = ? AND {ALIVE}",
                (namespace, key, time.time()),
            ).fetchone()
        return _value(*row) if row else None

    def put(self, namespace: str, key: str, value: Value) -> None:
        metadata = None if value.metadata is None else json.dumps(value.metadata, separators=(",", ":"))
        with self._open() as database:
            database.execute(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)",
                (namespace, key, value.content, metadata, value.expiration),
            )

    def delete(self, namespace: str, key: str) -> None:
        with self._open() as database:
            database.execute("DELETE FROM entries WHERE namespace = ? AND key = ?", (namespace, key))

    def keys(self, namespace: str, prefix: str = "") -> list[tuple[str, Value]]:
        """Every key that begins with ``prefix``, by code point; the values' contents are left empty."""
        return self.page(namespace, prefix, "", ALL)[0]

    def page(self, namespace: str, prefix: str, after: str, limit: int) -> tuple[list[tuple[str, Value]], bool]:
        """At most ``limit`` keys that come after ``after``, and whether more follow."""
        with self._open() as database:
            rows = database.execute(
                "SELECT key, x'', metadata, expiration FROM entries WHERE namespace = ? AND key > ?"
                f" AND substr(key, 1, ?) = ? AND {ALIVE} ORDER BY key LIMIT ?",
                (namespace, after, len(prefix), prefix, time.time(), limit + 1 if limit != ALL else ALL),
            ).fetchall()
        shown = rows if limit == ALL else rows[:limit]
        return [(key, _value(*rest)) for key, *rest in shown], len(shown) < len(rows)

    def drop(self, namespace: str) -> None:
        with self._open() as database:
            database.execute("DELETE FROM entries WHERE namespace = ?", (namespace,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10)) as database, database:
            yield database


def _value(content: bytes, metadata: str | None, expiration: int | None) -> Value:
    return Value(bytes(content), expiration, json.loads(metadata) if metadata else None)
