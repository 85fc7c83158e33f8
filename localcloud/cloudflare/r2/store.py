"""All of an account's buckets: what the control plane, the S3 server and Workers' bindings share.

Every refusal is an :class:`~localcloud.cloudflare.r2.errors.R2Error`. ``clock`` tells the time by which
objects age (seconds since 1970); tests set it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from localcloud.cloudflare.r2 import index, rules
from localcloud.cloudflare.r2.blobs import Blobs, Draft
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.model import (
    Attributes,
    Body,
    Bucket,
    Json,
    Object,
    check_attributes,
    check_bucket_name,
    check_key,
)

Guard = Callable[[Object | None], None]
"""Looks at what is there just before it is replaced or deleted, and raises to refuse."""


class Store:
    """Open it once for a home's folder; it may be used from any thread."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.blobs = Blobs(folder / "objects")
        self.index = index.Index(folder / "index.sqlite")
        self.blobs.keep_only(self.index.blobs())

    def close(self) -> None:
        self.index.close()

    # Buckets

    def create_bucket(
        self, name: str, *, location: str = "ENAM", jurisdiction: str = "default", storage_class: str = "Standard"
    ) -> Bucket:
        made = Bucket(check_bucket_name(name), self.clock(), location, jurisdiction, storage_class)
        with self.index.change() as db:
            if db.execute("SELECT 1 FROM buckets WHERE name = ?", (name,)).fetchone():
                raise R2Error("BucketAlreadyOwnedByYou")
            db.execute("INSERT INTO buckets VALUES (?, ?)", index.bucket_row(made))
        return made

    def buckets(self) -> list[Bucket]:
        return [index.read_bucket(body) for (body,) in self.index.rows("SELECT body FROM buckets ORDER BY name")]

    def bucket(self, name: str) -> Bucket:
        found = self.index.rows("SELECT body FROM buckets WHERE name = ?", name)
        if not found:
            raise R2Error("NoSuchBucket")
        return index.read_bucket(found[0][0])

    def delete_bucket(self, name: str) -> None:
        """Only an empty one. Uploads that never ended do not keep it; their parts go with it."""
        self.drop_bucket(name, only_empty=True)

    def drop_bucket(self, name: str, only_empty: bool = False) -> None:
        """With all that is in it, locked or not: for a bucket whose declaration is gone."""
        with self.index.change() as db:
            self.bucket(name)
            gone = [row[0] for row in db.execute("SELECT blob FROM objects WHERE bucket = ?", (name,))]
            if gone and only_empty:
                raise R2Error("BucketNotEmpty")
            db.execute("DELETE FROM objects WHERE bucket = ?", (name,))
            chosen = "upload IN (SELECT id FROM uploads WHERE bucket = ?)"
            gone += [row[0] for row in db.execute(f"SELECT blob FROM parts WHERE {chosen}", (name,))]
            db.execute(f"DELETE FROM parts WHERE {chosen}", (name,))
            db.execute("DELETE FROM uploads WHERE bucket = ?", (name,))
            db.execute("DELETE FROM buckets WHERE name = ?", (name,))
        self.blobs.remove(gone)

    def set_lifecycle(self, name: str, wanted: Sequence[Json]) -> Bucket:
        return self._set(name, lifecycle=rules.check_lifecycle(wanted))

    def set_lock(self, name: str, wanted: Sequence[Json]) -> Bucket:
        return self._set(name, lock=rules.check_lock(wanted))

    def set_cors(self, name: str, wanted: Sequence[Json] | None) -> Bucket:
        """None takes the rules away."""
        return self._set(name, cors=None if wanted is None else tuple(wanted))

    def set_storage_class(self, name: str, wanted: str) -> Bucket:
        """What new objects get unless they say otherwise."""
        check_attributes(Attributes(storage_class=wanted))
        return self._set(name, storage_class=wanted)

    def _set(self, name: str, **changes: Any) -> Bucket:
        with self.index.change() as db:
            changed = replace(self.bucket(name), **changes)
            db.execute("UPDATE buckets SET body = ? WHERE name = ?", index.bucket_row(changed)[::-1])
        return changed

    # Objects

    def draft(self, algorithms: Iterable[str] = ()) -> AbstractContextManager[Draft]:
        """Where to write bytes before :meth:`put`; gone again if the block fails."""
        return self.blobs.draft(algorithms)

    def put(self, bucket: str, key: str, body: Body, attributes: Attributes, guard: Guard | None = None) -> Object:
        """Make ``body`` the object; what was there under the key is replaced in the same moment."""
        made = Object(
            bucket, check_key(key), body.blob, body.size, body.md5, self.clock(), check_attributes(attributes),
            body.checksums,
        )  # fmt: skip
        return self.place(made, guard)

    def place(self, made: Object, guard: Guard | None = None) -> Object:
        with self.index.change() as db:
            there = self._changeable(made.bucket, made.key, guard)
            db.execute("INSERT OR REPLACE INTO objects VALUES (?,?,?,?,?,?,?,?,?)", index.object_row(made))
        if there:
            self.blobs.remove([there.blob])
        return made

    def find(self, bucket: str, key: str) -> Object | None:
        self.bucket(bucket)
        query = f"SELECT {index.OBJECT} FROM objects WHERE bucket = ? AND key = ?"
        found = self.index.rows(query, bucket, key.encode())
        return index.read_object(found[0]) if found else None

    def get(self, bucket: str, key: str) -> Object:
        found = self.find(bucket, key)
        if found is None:
            raise R2Error("NoSuchKey")
        return found

    def opened(self, bucket: str, key: str) -> tuple[Object, BinaryIO]:
        """The object and its bytes, which stay readable although it is replaced or deleted meanwhile."""
        with self.index.held():
            entry = self.get(bucket, key)
            return entry, self.blobs.open(entry.blob)

    def delete(self, bucket: str, key: str, guard: Guard | None = None) -> None:
        """A key that is not there is no error, as in S3. A lock refuses."""
        with self.index.change() as db:
            there = self._changeable(bucket, key, guard)
            db.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key.encode()))
        if there:
            self.blobs.remove([there.blob])

    def _changeable(self, bucket: str, key: str, guard: Guard | None) -> Object | None:
        there = self.find(bucket, key)
        if guard:
            guard(there)
        if there:
            until = rules.locked_until(self.bucket(bucket).lock, key, there.modified)
            if until is not None and self.clock() < until:
                raise R2Error("ObjectLockedByBucketPolicy")
        return there

    def reclassify(self, entry: Object, attributes: Attributes) -> None:
        """Another storage class and nothing else; no lock is against it, the bytes stay."""
        with self.index.change() as db:
            changed = index.object_row(replace(entry, attributes=attributes))[6]
            where = "bucket = ? AND key = ? AND blob = ?"
            db.execute(
                f"UPDATE objects SET attributes = ? WHERE {where}",
                (changed, entry.bucket, entry.key.encode(), entry.blob),
            )

    def scan(self, bucket: str, after: bytes, prefix: bytes, count: int) -> list[Object]:
        """Up to ``count`` objects that begin with ``prefix``, in order of their keys' bytes, past ``after``."""
        where, values = "bucket = ? AND key > ?", [bucket, after]
        if prefix > after:
            where, values = "bucket = ? AND key >= ?", [bucket, prefix]
        rows = self.index.rows(f"SELECT {index.OBJECT} FROM objects WHERE {where} ORDER BY key LIMIT ?", *values, count)
        return [index.read_object(row) for row in rows if row[1].startswith(prefix)]
