"""Multipart uploads."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence

from localcloud.cloudflare.r2 import checksums, index
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.model import (
    PART_LIMIT,
    PART_MINIMUM,
    Attributes,
    Body,
    Object,
    Part,
    Upload,
    check_attributes,
    check_key,
)
from localcloud.cloudflare.r2.store import Guard, Store


def create(
    store: Store, bucket: str, key: str, attributes: Attributes, algorithm: str | None = None, whole: bool = False
) -> Upload:
    made = Upload(
        uuid.uuid4().hex, bucket, check_key(key), store.clock(), check_attributes(attributes), algorithm, whole
    )
    with store.index.change() as db:
        store.bucket(bucket)
        db.execute("INSERT INTO uploads VALUES (?, ?, ?, ?, ?)", index.upload_row(made))
    return made


def get(store: Store, bucket: str, key: str, upload: str) -> Upload:
    store.bucket(bucket)
    found = store.index.rows("SELECT body FROM uploads WHERE id = ?", upload)
    read = index.read_upload(found[0][0]) if found else None
    if read is None or (read.bucket, read.key) != (bucket, key):
        raise R2Error("NoSuchUpload")
    return read


def add_part(store: Store, upload: Upload, number: int, body: Body) -> Part:
    """A part sent again replaces the one of that number."""
    if not 1 <= number <= PART_LIMIT:
        raise R2Error("InvalidArgument", f"Part number {number} is not between 1 and {PART_LIMIT}.")
    made = Part(number, body.blob, body.size, body.md5, store.clock(), body.checksums)
    with store.index.change() as db:
        get(store, upload.bucket, upload.key, upload.id)
        old = db.execute("SELECT blob FROM parts WHERE upload = ? AND number = ?", (upload.id, number)).fetchone()
        db.execute("INSERT OR REPLACE INTO parts VALUES (?,?,?,?,?,?,?)", index.part_row(upload.id, made))
    store.blobs.remove(old or [])
    return made


def parts(store: Store, upload: Upload) -> list[Part]:
    rows = store.index.rows(f"SELECT {index.PART} FROM parts WHERE upload = ? ORDER BY number", upload.id)
    return [index.read_part(row) for row in rows]


def under_way(store: Store, bucket: str, prefix: str = "") -> list[Upload]:
    """In order of their keys."""
    store.bucket(bucket)
    rows = store.index.rows("SELECT body FROM uploads WHERE bucket = ? ORDER BY key, created, id", bucket)
    return [upload for (body,) in rows if (upload := index.read_upload(body)).key.startswith(prefix)]


def complete(store: Store, upload: Upload, chosen: Sequence[tuple[int, str]], guard: Guard | None = None) -> Object:
    """Join the chosen parts (number, etag) into the object. As in R2, all but the last must be of one size."""
    there = {part.number: part for part in parts(store, upload)}
    if not chosen or [number for number, _ in chosen] != sorted({number for number, _ in chosen}):
        raise R2Error("InvalidPartOrder" if chosen else "MalformedXML")
    used = [there.get(number) for number, _ in chosen]
    ordered = [part for part, (_, etag) in zip(used, chosen, strict=True) if part and part.etag == etag]
    if len(ordered) != len(chosen):
        raise R2Error("InvalidPart")
    if any(part.size < PART_MINIMUM for part in ordered[:-1]):
        raise R2Error("EntityTooSmall")
    if len({part.size for part in ordered[:-1]}) > 1 or ordered[-1].size > ordered[0].size:
        raise R2Error("InvalidPart", "All non-trailing parts must have the same length.")
    algorithms = [upload.algorithm] if upload.algorithm and upload.whole else []
    try:
        body = store.blobs.join([part.blob for part in ordered], algorithms)
    except FileNotFoundError:
        raise R2Error("NoSuchUpload") from None  # Somebody ended it meanwhile.
    digest = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in ordered), usedforsecurity=False).hexdigest()
    made = Object(
        upload.bucket, upload.key, body.blob, body.size, f"{digest}-{len(ordered)}", store.clock(),
        upload.attributes, _checksums(upload, ordered, body), len(ordered),
    )  # fmt: skip
    try:
        get(store, upload.bucket, upload.key, upload.id)
        store.place(made, guard)
    except BaseException:
        store.blobs.remove([body.blob])
        raise
    abort(store, upload)
    return made


def _checksums(upload: Upload, ordered: list[Part], body: Body) -> dict[str, str]:
    if upload.algorithm is None or upload.whole:
        return body.checksums
    known = [part.checksums.get(upload.algorithm) for part in ordered]
    present = [value for value in known if value]
    return {upload.algorithm: checksums.of_parts(upload.algorithm, present)} if len(present) == len(known) else {}


def abort(store: Store, upload: Upload) -> None:
    with store.index.change() as db:
        gone = [row[0] for row in db.execute("SELECT blob FROM parts WHERE upload = ?", (upload.id,))]
        db.execute("DELETE FROM parts WHERE upload = ?", (upload.id,))
        db.execute("DELETE FROM uploads WHERE id = ?", (upload.id,))
    store.blobs.remove(gone)
