"""Every action there ever was. They stay in SQLite only: a long-lived cloud has many, and few are asked for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

FIRST_ID = 500_001
SCHEMA = """
CREATE TABLE IF NOT EXISTS actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, command TEXT NOT NULL, status TEXT NOT NULL, progress INTEGER NOT NULL,
    started TEXT NOT NULL, finished TEXT, resources TEXT NOT NULL, error TEXT
);
CREATE TABLE IF NOT EXISTS action_resources (
    type TEXT NOT NULL, resource INTEGER NOT NULL, action INTEGER NOT NULL, PRIMARY KEY (type, resource, action)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS actions_by_status ON actions (status);
"""
FIELDS = "id, command, status, progress, started, finished, resources, error"
SORTABLE = ("id", "command", "status", "started", "finished")


def now() -> str:
    """The time as the API writes it: RFC 3339 in UTC, always with seconds (Go's clients refuse it without)."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class ActionLog:
    """The actions in the connection of a :class:`~localcloud.hetzner.store.Store`; called inside its transactions."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.executescript(SCHEMA)
        if not db.execute("SELECT 1 FROM sqlite_sequence WHERE name = 'actions'").fetchone():
            db.execute("INSERT INTO sqlite_sequence VALUES ('actions', ?)", (FIRST_ID - 1,))

    def add(self, command: str, resources: Sequence[tuple[str, int]]) -> int:
        """A new running action on ``resources`` (pairs of type and id); returns its id."""
        shown = json.dumps([{"id": number, "type": kind} for kind, number in resources])
        cursor = self._db.execute(
            "INSERT INTO actions (command, status, progress, started, resources) VALUES (?, 'running', 0, ?, ?)",
            (command, now(), shown),
        )
        number = int(cursor.lastrowid or 0)
        self._db.executemany(
            "INSERT OR IGNORE INTO action_resources VALUES (?, ?, ?)", [(kind, one, number) for kind, one in resources]
        )
        return number

    def finish(self, number: int, error: dict[str, str] | None = None) -> None:
        """End an action with success, or with ``error`` (code and message)."""
        self._db.execute(
            "UPDATE actions SET status = ?, progress = 100, finished = ?, error = ? WHERE id = ?",
            ("error" if error else "success", now(), json.dumps(error) if error else None, number),
        )

    def get(self, number: int) -> dict[str, Any] | None:
        found = self._select("WHERE id = ?", (number,))
        return found[0] if found else None

    def find(
        self,
        *,
        ids: Iterable[int] | None = None,
        kind: str | None = None,
        resource: int | None = None,
        statuses: Sequence[str] = (),
    ) -> list[dict[str, Any]]:
        """Actions by id, by the type and id of a resource, by status; all that is given must hold."""
        where: list[str] = []
        values: list[Any] = []
        if ids is not None:
            wanted = list(ids)
            where.append(f"id IN ({','.join('?' * len(wanted))})")
            values += wanted
        if kind is not None:
            of_one = "" if resource is None else " AND resource = ?"
            where.append(f"id IN (SELECT action FROM action_resources WHERE type = ?{of_one})")
            values += [kind] if resource is None else [kind, resource]
        if statuses:
            where.append(f"status IN ({','.join('?' * len(statuses))})")
            values += statuses
        return self._select(f"WHERE {' AND '.join(where)}" if where else "", values)

    def _select(self, where: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        rows = self._db.execute(f"SELECT {FIELDS} FROM actions {where} ORDER BY id", values)
        return [
            {
                "id": number,
                "command": command,
                "status": status,
                "progress": progress,
                "started": started,
                "finished": finished,
                "resources": json.loads(resources),
                "error": json.loads(error) if error else None,
            }
            for number, command, status, progress, started, finished, resources, error in rows
        ]
