"""What the cloud knows: resources by kind and id, and its actions. One lock orders the transactions of API threads and
of worker threads: inside one, nothing may wait for a machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud.common.rows import Row, RowStore, RowTransaction, text
from localcloud.hetzner.actionlog import ActionLog

__all__ = ["FIRST_ID", "Row", "Store", "Transaction"]

FIRST_ID = 1001
SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    kind TEXT NOT NULL, id INTEGER NOT NULL, name TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS resources_by_name ON resources (kind, name);
"""


class Store(RowStore[str, int]):
    """Resources and actions. A row's ``id`` is its key; what the API shows is made of it by the group's modules."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(path, SCHEMA)
        self.actions = ActionLog(self._db)

    def _load(self, db: sqlite3.Connection) -> Iterable[tuple[str, int, str]]:
        return db.execute("SELECT kind, id, body FROM resources ORDER BY id")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything done inside happens, or nothing does. What was given to ``after_commit`` runs at its end."""
        with self.lock:
            tx = Transaction(self)
            with self._exclusive(tx):
                yield tx
            for hook in tx.hooks:
                hook()


class Transaction(RowTransaction[str, int]):
    """Reading and changing the state. Rows from :meth:`get` and :meth:`all` are shared: :meth:`edit` gives copies."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.actions = store.actions
        self.hooks: list[Callable[[], None]] = []

    def get(self, kind: str, number: int) -> Row | None:
        """The row as it is inside this transaction; not to be changed."""
        return self._get(kind, number)

    def all(self, kind: str) -> list[Row]:
        """Every row of a kind, by id; not to be changed. Ids only grow, and rows are loaded by id."""
        return self._all(kind)

    def edit(self, kind: str, number: int) -> Row:
        """A copy to change; it is written when the transaction ends. KeyError if there is none."""
        return self._edit(kind, number)

    def add(self, kind: str, row: Row) -> Row:
        """Store a new row under a new id, which is put into it first."""
        number = int(self.get_meta("next_id", FIRST_ID))
        self.set_meta("next_id", number + 1)
        new: Row = {"id": number, **row}
        self._changed[(kind, number)] = new
        return new

    def remove(self, kind: str, number: int) -> None:
        self._changed[(kind, number)] = None

    def after_commit(self, hook: Callable[[], None]) -> None:
        """Run ``hook`` when, and only if, the transaction is durable; it still holds the store's lock then."""
        self.hooks.append(hook)

    def _write(self, db: sqlite3.Connection, group: str, name: int, row: Row | None) -> None:
        if row is None:
            db.execute("DELETE FROM resources WHERE kind = ? AND id = ?", (group, name))
        else:
            values = (group, name, row.get("name"), text(row))
            db.execute("INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?)", values)
