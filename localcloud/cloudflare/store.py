"""What the cloud knows: resources, and the bytes that belong to them, as files.

A row is known by its kind, its scope (the zone, the account or the Worker that it belongs to) and its id within that;
rows are listed in the order in which they were made. Inside a transaction, nothing may wait for the data plane.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud.common.rows import Row, RowStore, RowTransaction, text

__all__ = ["Blobs", "Row", "Store", "Transaction"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, scope TEXT NOT NULL, id TEXT NOT NULL,
    body TEXT NOT NULL, UNIQUE (kind, scope, id)
);
"""
WRITE = (
    "INSERT INTO resources (kind, scope, id, body) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (kind, scope, id) DO UPDATE SET body = excluded.body"
)


class Blobs:
    """Bytes by their SHA-256, each in a file of its own: the same bytes are kept once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, content: bytes) -> str:
        """Keep ``content``; returns the digest that it is found by."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.path(digest)
        if not path.exists():
            draft = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
            draft.write_bytes(content)
            draft.replace(path)
        return digest

    def get(self, digest: str) -> bytes:
        return self.path(digest).read_bytes()

    def path(self, digest: str) -> Path:
        return self._folder / digest


class Store(RowStore[tuple[str, str], str]):
    """The state of one cloud in ``folder``. Keys of a row that begin with ``_`` are never shown."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.blobs = Blobs(folder / "cloudflare" / "blobs")
        file = folder / "cloudflare.sqlite"
        # Secrets lie in it; SQLite gives its other files the same mode.
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
        super().__init__(file, SCHEMA)
        self.changed: Callable[[set[str]], None] = lambda kinds: None
        """Called with the kinds of rows that a transaction changed, once they are durable and others may begin."""

    def _load(self, db: sqlite3.Connection) -> Iterable[tuple[tuple[str, str], str, str]]:
        found = db.execute("SELECT kind, scope, id, body FROM resources ORDER BY number")
        return (((kind, scope), name, body) for kind, scope, name, body in found)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything done inside happens, or nothing does."""
        tx = Transaction(self)
        with self._exclusive(tx):
            yield tx
        kinds = tx.kinds()
        if kinds:
            self.changed(kinds)

    def counts(self) -> dict[str, int]:
        """How many rows of each kind there are."""
        found: dict[str, int] = {}
        with self.lock:
            for (kind, _), rows in self.rows.items():
                if rows:
                    found[kind] = found.get(kind, 0) + len(rows)
        return found


class Transaction(RowTransaction[tuple[str, str], str]):
    """Reading and changing the state. Rows from :meth:`get` and :meth:`all` are shared: :meth:`edit` gives copies."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.blobs = store.blobs

    def get(self, kind: str, scope: str, name: str) -> Row | None:
        """The row as it is inside this transaction; not to be changed."""
        return self._get((kind, scope), name)

    def all(self, kind: str, scope: str) -> list[Row]:
        """Every row of a kind in a scope, oldest first; not to be changed."""
        return self._all((kind, scope))

    def everywhere(self, kind: str) -> list[tuple[str, Row]]:
        """Every row of a kind with its scope."""
        scopes = {scope: None for found, scope in self._rows if found == kind}
        scopes.update({scope: None for (found, scope), _ in self._changed if found == kind})
        return [(scope, row) for scope in scopes for row in self.all(kind, scope)]

    def put(self, kind: str, scope: str, name: str, row: Row) -> Row:
        """Store ``row``, in the place of one of that name if there is one."""
        self._changed[((kind, scope), name)] = row
        return row

    def edit(self, kind: str, scope: str, name: str) -> Row:
        """A copy to change; it is written when the transaction ends. KeyError if there is none."""
        return self._edit((kind, scope), name)

    def remove(self, kind: str, scope: str, name: str) -> None:
        self._changed[((kind, scope), name)] = None

    def kinds(self) -> set[str]:
        return {kind for (kind, _), _ in self._changed}

    def _write(self, db: sqlite3.Connection, group: tuple[str, str], name: str, row: Row | None) -> None:
        if row is None:
            db.execute("DELETE FROM resources WHERE kind = ? AND scope = ? AND id = ?", (*group, name))
        else:
            db.execute(WRITE, (*group, name, text(row)))
