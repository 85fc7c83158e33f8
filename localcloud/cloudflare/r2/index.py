"""Which buckets, objects and uploads there are, in SQLite. Keys are UTF-8 bytes: S3 lists them in that order."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from localcloud.cloudflare.r2.model import Attributes, Bucket, Object, Part, Upload

SCHEMA = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, key BLOB NOT NULL, blob TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
    modified REAL NOT NULL, attributes TEXT NOT NULL, checksums TEXT NOT NULL, parts INTEGER NOT NULL,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key BLOB NOT NULL, created REAL NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, blob TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
    modified REAL NOT NULL, checksums TEXT NOT NULL, PRIMARY KEY (upload, number)
) WITHOUT ROWID;
"""
OBJECT = "bucket, key, blob, size, etag, modified, attributes, checksums, parts"
PART = "number, blob, size, etag, modified, checksums"


class Index:
    """One connection and one lock; it may be used from any thread."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing changes while the block runs."""
        with self._lock:
            yield

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """All that is done inside happens, or nothing does."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, query: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def blobs(self) -> set[str]:
        return {row[0] for row in self.rows("SELECT blob FROM objects UNION SELECT blob FROM parts")}


def bucket_row(bucket: Bucket) -> tuple[str, str]:
    return bucket.name, json.dumps(asdict(bucket))


def read_bucket(body: str) -> Bucket:
    values = json.loads(body)
    for name in ("lifecycle", "lock", "cors"):
        values[name] = None if values[name] is None else tuple(values[name])
    return Bucket(**values)


def object_row(entry: Object) -> tuple[Any, ...]:
    return (
        entry.bucket, entry.key.encode(), entry.blob, entry.size, entry.etag, entry.modified,
        json.dumps(asdict(entry.attributes)), json.dumps(entry.checksums), entry.parts,
    )  # fmt: skip


def read_object(row: tuple[Any, ...]) -> Object:
    bucket, key, blob, size, etag, modified, attributes, known, parts = row
    return Object(
        bucket, key.decode(), blob, size, etag, modified, Attributes(**json.loads(attributes)), json.loads(known), parts
    )


def upload_row(upload: Upload) -> tuple[Any, ...]:
    return upload.id, upload.bucket, upload.key.encode(), upload.created, json.dumps(asdict(upload))


def read_upload(body: str) -> Upload:
    values = json.loads(body)
    return Upload(**{**values, "attributes": Attributes(**values["attributes"])})


def part_row(upload: str, part: Part) -> tuple[Any, ...]:
    return upload, part.number, part.blob, part.size, part.etag, part.modified, json.dumps(part.checksums)


def read_part(row: tuple[Any, ...]) -> Part:
    number, blob, size, etag, modified, known = row
    return Part(number, blob, size, etag, modified, json.loads(known))
