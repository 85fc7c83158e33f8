"""What the cloud knows, in SQLite: a row per resource, as JSON, and the bytes that belong to them, as files.

A row is known by its kind, its scope (the zone, the account or the Worker that it belongs to) and its id within that.
All rows are also kept in memory, in the order in which they were made. A change is made on a copy inside a
:class:`Transaction` and becomes visible, and durable, all at once when that ends; an exception leaves no trace.
One lock orders the transactions: inside one, nothing may wait for the data plane.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

Row = dict[str, Any]
"""A resource as stored. Keys that begin with ``_`` are never shown."""
Key = tuple[str, str, str]

SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, scope TEXT NOT NULL, id TEXT NOT NULL,
    body TEXT NOT NULL, UNIQUE (kind, scope, id)
);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
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


class Store:
    """The state of one cloud in ``folder``. Open it once; it may be used from any thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        folder.mkdir(parents=True, exist_ok=True)
        self.blobs = Blobs(folder / "cloudflare" / "blobs")
        file = folder / "cloudflare.sqlite"
        # Secrets lie in it; SQLite gives its other files the same mode.
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        # WAL with NORMAL survives a kill of the process at any moment, which is what is promised.
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
        self._db.executescript(SCHEMA)
        self.rows: dict[tuple[str, str], dict[str, Row]] = {}
        for kind, scope, name, body in self._db.execute("SELECT kind, scope, id, body FROM resources ORDER BY number"):
            self.rows.setdefault((kind, scope), {})[name] = json.loads(body)
        self.meta: dict[str, Any] = {key: json.loads(value) for key, value in self._db.execute("SELECT * FROM meta")}
        self.changed: Callable[[set[str]], None] = lambda kinds: None
        """Called with the kinds of rows that a transaction changed, once they are durable and others may begin."""
        self._open = False

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything done inside happens, or nothing does."""
        with self._exclusive() as tx:
            yield tx
        kinds = tx.kinds()
        if kinds:
            self.changed(kinds)

    @contextmanager
    def _exclusive(self) -> Iterator[Transaction]:
        with self.lock:
            if self._open:
                raise RuntimeError("a transaction is already open in this thread")
            self._open = True
            tx = Transaction(self)
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
                self._open = False

    def counts(self) -> dict[str, int]:
        """How many rows of each kind there are."""
        found: dict[str, int] = {}
        with self.lock:
            for (kind, _), rows in self.rows.items():
                if rows:
                    found[kind] = found.get(kind, 0) + len(rows)
        return found

    def close(self) -> None:
        with self.lock:
            self._db.close()


class Transaction:
    """Reading and changing the state. Rows from :meth:`get` and :meth:`all` are shared: :meth:`edit` gives copies."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changed: dict[Key, Row | None] = {}
        self._meta: dict[str, Any] = {}

    @property
    def blobs(self) -> Blobs:
        return self._store.blobs

    def get(self, kind: str, scope: str, name: str) -> Row | None:
        """The row as it is inside this transaction; not to be changed."""
        key = (kind, scope, name)
        if key in self._changed:
            return self._changed[key]
        return self._store.rows.get((kind, scope), {}).get(name)

    def all(self, kind: str, scope: str) -> list[Row]:
        """Every row of a kind in a scope, oldest first; not to be changed."""
        rows: dict[str, Row | None] = dict(self._store.rows.get((kind, scope), {}))
        rows.update({key[2]: row for key, row in self._changed.items() if key[:2] == (kind, scope)})
        return [row for row in rows.values() if row is not None]

    def everywhere(self, kind: str) -> list[tuple[str, Row]]:
        """Every row of a kind with its scope."""
        scopes = {scope: None for found, scope in self._store.rows if found == kind}
        scopes.update({scope: None for found, scope, _ in self._changed if found == kind})
        return [(scope, row) for scope in scopes for row in self.all(kind, scope)]

    def put(self, kind: str, scope: str, name: str, row: Row) -> Row:
        """Store ``row``, in the place of one of that name if there is one."""
        self._changed[(kind, scope, name)] = row
        return row

    def edit(self, kind: str, scope: str, name: str) -> Row:
        """A copy to change; it is written when the transaction ends. KeyError if there is none."""
        key = (kind, scope, name)
        row = self._changed.get(key)
        if row is not None:
            return row
        shared = self.get(kind, scope, name)
        if shared is None:
            raise KeyError(key)
        self._changed[key] = copy = deepcopy(shared)
        return copy

    def remove(self, kind: str, scope: str, name: str) -> None:
        self._changed[(kind, scope, name)] = None

    def get_meta(self, key: str, default: Any = None) -> Any:
        return self._meta.get(key, self._store.meta.get(key, default))

    def set_meta(self, key: str, value: Any) -> None:
        self._meta[key] = value

    def kinds(self) -> set[str]:
        return {kind for kind, _, _ in self._changed}

    def flush(self, db: sqlite3.Connection) -> None:
        """Write what changed into the open database transaction."""
        for key, row in self._changed.items():
            if row is None:
                db.execute("DELETE FROM resources WHERE kind = ? AND scope = ? AND id = ?", key)
            else:
                db.execute(WRITE, (*key, json.dumps(row, separators=(",", ":"))))
        for name, value in self._meta.items():
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, json.dumps(value)))

    def publish(self) -> None:
        """Make what is now durable visible to later transactions."""
        for (kind, scope, name), row in self._changed.items():
            rows = self._store.rows.setdefault((kind, scope), {})
            if row is None:
                rows.pop(name, None)
            else:
                rows[name] = row
        self._store.meta.update(self._meta)
