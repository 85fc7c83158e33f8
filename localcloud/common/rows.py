"""What a cloud knows, in SQLite: a row per resource, as JSON, in groups within which an id names it.

All rows are also kept in memory, so that reading costs nothing. A change is made on a copy inside a transaction and
becomes visible, and durable, all at once when that ends; an exception leaves no trace. One lock orders the
transactions: inside one, nothing may wait for what is behind the API.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any, Generic, TypeVar

Row = dict[str, Any]
Group = TypeVar("Group", bound=Hashable)
Id = TypeVar("Id", bound=Hashable)
META = "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"


class RowStore(ABC, Generic[Group, Id]):
    """The state of one cloud. Open it once; it may be used from any thread. ``schema`` makes the table of rows."""

    def __init__(self, path: Path | str, schema: str) -> None:
        self.lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # WAL with NORMAL survives a kill of the process at any moment, which is what is promised.
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
        self._db.executescript(schema + META)
        self.rows: dict[Group, dict[Id, Row]] = {}
        for group, name, body in self._load(self._db):
            self.rows.setdefault(group, {})[name] = json.loads(body)
        self.meta: dict[str, Any] = {key: json.loads(value) for key, value in self._db.execute("SELECT * FROM meta")}
        self._open = False

    @abstractmethod
    def _load(self, db: sqlite3.Connection) -> Iterable[tuple[Group, Id, str]]:
        """Group, id and JSON of every row, in the order in which they are listed."""

    @contextmanager
    def _exclusive(self, transaction: RowTransaction[Group, Id]) -> Iterator[None]:
        """What is done to ``transaction`` inside happens as a whole, or not at all."""
        with self.lock:
            if self._open:
                raise RuntimeError("a transaction is already open in this thread")
            self._open = True
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                transaction.flush(self._db)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            else:
                self._db.execute("COMMIT")
                transaction.publish()
            finally:
                self._open = False

    def close(self) -> None:
        with self.lock:
            self._db.close()


class RowTransaction(ABC, Generic[Group, Id]):
    """Reading and changing the state. Rows that are read are shared: only those to change are copies."""

    def __init__(self, store: RowStore[Group, Id]) -> None:
        self._rows, self._known = store.rows, store.meta
        self._changed: dict[tuple[Group, Id], Row | None] = {}
        self._meta: dict[str, Any] = {}

    @abstractmethod
    def _write(self, db: sqlite3.Connection, group: Group, name: Id, row: Row | None) -> None:
        """Store a row, or delete the one of that name."""

    def _get(self, group: Group, name: Id) -> Row | None:
        """The row as it is inside this transaction; not to be changed."""
        key = (group, name)
        if key in self._changed:
            return self._changed[key]
        return self._rows.get(group, {}).get(name)

    def _all(self, group: Group) -> list[Row]:
        """The rows of a group: those stored in their order, then those made in this transaction."""
        stored = self._rows.get(group, {})
        changed = {name: row for (one, name), row in self._changed.items() if one == group}
        if not changed:
            return list(stored.values())
        return [row for row in {**stored, **changed}.values() if row is not None]

    def _edit(self, group: Group, name: Id) -> Row:
        """A copy to change; it is written when the transaction ends. KeyError if there is none."""
        key = (group, name)
        row = self._changed.get(key)
        if row is not None:
            return row
        shared = self._get(group, name)
        if shared is None:
            raise KeyError(key)
        self._changed[key] = copy = deepcopy(shared)
        return copy

    def get_meta(self, key: str, default: Any = None) -> Any:
        return self._meta.get(key, self._known.get(key, default))

    def set_meta(self, key: str, value: Any) -> None:
        self._meta[key] = value

    def flush(self, db: sqlite3.Connection) -> None:
        """Write what changed into the open database transaction."""
        for (group, name), row in self._changed.items():
            self._write(db, group, name, row)
        for key, value in self._meta.items():
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    def publish(self) -> None:
        """Make what is now durable visible to later transactions."""
        for (group, name), row in self._changed.items():
            rows = self._rows.setdefault(group, {})
            if row is None:
                rows.pop(name, None)
            else:
                rows[name] = row
        self._known.update(self._meta)


def text(row: Row) -> str:
    """A row as it is stored."""
    return json.dumps(row, separators=(",", ":"))
