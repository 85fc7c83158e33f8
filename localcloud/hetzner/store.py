"""What the cloud knows, in SQLite: a row per resource, as JSON.

All resources are also kept in memory, so that reading costs nothing. A change is made on a copy inside a
:class:`Transaction` and becomes visible, and durable, all at once when the transaction ends; an exception leaves no
trace. One lock orders the transactions of API threads and of worker threads: inside one, nothing
may wait for a machine.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from localcloud.hetzner.actionlog import ActionLog

Row = dict[str, Any]
"""A resource as stored; ``id`` is its key. What the API shows is made of it by the group's ``responses`` module."""

FIRST_ID = 1001
SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    kind TEXT NOT NULL, id INTEGER NOT NULL, name TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS resources_by_name ON resources (kind, name);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class Store:
    """The state of one cloud. Open it once; it may be used from any thread."""

    def __init__(self, path: Path | str) -> None:
        self.lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # WAL with NORMAL survives a kill of the process at any moment, which is what is promised.
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
        self._db.executescript(SCHEMA)
        self.actions = ActionLog(self._db)
        self.rows: dict[str, dict[int, Row]] = {}
        for kind, number, body in self._db.execute("SELECT kind, id, body FROM resources ORDER BY id"):
            self.rows.setdefault(kind, {})[number] = json.loads(body)
        self.meta: dict[str, Any] = {key: json.loads(value) for key, value in self._db.execute("SELECT * FROM meta")}
        self._open: Transaction | None = None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything done inside happens, or nothing does. What was given to ``after_commit`` runs at its end."""
        with self.lock:
            if self._open is not None:
                raise RuntimeError("a transaction is already open in this thread")
            self._open = tx = Transaction(self)
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield tx
                tx.flush(self._db)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            else:
                self._db.execute("COMMIT")
                tx.publish()
            finally:
                self._open = None
            for hook in tx.hooks:
                hook()

    def close(self) -> None:
        with self.lock:
            self._db.close()


class Transaction:
    """Reading and changing the state. Rows from :meth:`get` and :meth:`all` are shared: :meth:`edit` gives copies."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changed: dict[tuple[str, int], Row | None] = {}
        self._meta: dict[str, Any] = {}
        self.hooks: list[Callable[[], None]] = []

    @property
    def actions(self) -> ActionLog:
        return self._store.actions

    def get(self, kind: str, number: int) -> Row | None:
        """The row as it is inside this transaction; not to be changed."""
        key = (kind, number)
        if key in self._changed:
            return self._changed[key]
        return self._store.rows.get(kind, {}).get(number)

    def all(self, kind: str) -> list[Row]:
        """Every row of a kind, by id; not to be changed."""
        if not any(changed == kind for changed, _ in self._changed):
            # Ids only grow and rows are loaded by id: what is stored is in order already.
            return list(self._store.rows.get(kind, {}).values())
        rows: dict[int, Row | None] = dict(self._store.rows.get(kind, {}))
        rows.update({number: row for (changed, number), row in self._changed.items() if changed == kind})
        return [row for _, row in sorted(rows.items()) if row is not None]

    def edit(self, kind: str, number: int) -> Row:
        """A copy to change; it is written when the transaction ends. KeyError if there is none."""
        key = (kind, number)
        row = self._changed.get(key)
        if row is not None:
            return row
        shared = self.get(kind, number)
        if shared is None:
            raise KeyError(key)
        self._changed[key] = copy = deepcopy(shared)
        return copy

    def add(self, kind: str, row: Row) -> Row:
        """Store a new row under a new id, which is put into it first."""
        number = int(self.get_meta("next_id", FIRST_ID))
        self.set_meta("next_id", number + 1)
        new: Row = {"id": number, **row}
        self._changed[(kind, number)] = new
        return new

    def remove(self, kind: str, number: int) -> None:
        self._changed[(kind, number)] = None

    def get_meta(self, key: str, default: Any = None) -> Any:
        return self._meta.get(key, self._store.meta.get(key, default))

    def set_meta(self, key: str, value: Any) -> None:
        self._meta[key] = value

    def after_commit(self, hook: Callable[[], None]) -> None:
        """Run ``hook`` when, and only if, the transaction is durable; it still holds the store's lock then."""
        self.hooks.append(hook)

    def flush(self, db: sqlite3.Connection) -> None:
        """Write what changed into the open database transaction."""
        for (kind, number), row in self._changed.items():
            if row is None:
                db.execute("DELETE FROM resources WHERE kind = ? AND id = ?", (kind, number))
            else:
                body = json.dumps(row, separators=(",", ":"))
                db.execute(
                    "INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?)", (kind, number, row.get("name"), body)
                )
        for key, value in self._meta.items():
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    def publish(self) -> None:
        """Make what is now durable visible to later transactions."""
        for (kind, number), row in self._changed.items():
            rows = self._store.rows.setdefault(kind, {})
            if row is None:
                rows.pop(number, None)
            else:
                rows[number] = row
        self._store.meta.update(self._meta)
