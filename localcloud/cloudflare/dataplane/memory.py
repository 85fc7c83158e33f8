"""A data plane that only remembers: for the API alone, and for tests of it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.cloudflare.dataplane.interface import (
    Bucket,
    BucketNotEmpty,
    Credential,
    DataPlaneError,
    Library,
    Stored,
    Value,
)
from localcloud.cloudflare.edge.snapshot import Access, Snapshot
from localcloud.cloudflare.routing import now

if TYPE_CHECKING:
    from localcloud.cloudflare.runtime.model import Version

PICTURES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif", b"RIFF": "webp", b"<svg": "svg", b"<?xm": "svg"}


class MemoryTraffic:
    """The last state that was applied."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.access = Access()
        self.schedules: Mapping[str, tuple[str, ...]] = {}
        self.ran: list[tuple[str, str, float]] = []

    def apply(self, snapshot: Snapshot, access: Access, schedules: Mapping[str, tuple[str, ...]]) -> None:
        self.snapshot, self.access, self.schedules = snapshot, access, schedules

    def check_version(self, version: Version, snapshot: Snapshot) -> None:
        """Every version is taken: nothing runs here."""

    def run_scheduled(self, worker: str, expression: str, moment: float) -> str:
        self.ran.append((worker, expression, moment))
        return "ok"

    def check_expression(self, expression: str, phase: str) -> None:
        """Every expression is taken: none is evaluated here."""


class MemoryObjects:
    """Objects in dictionaries, by (jurisdiction, bucket). Lock rules are not kept here."""

    def __init__(self) -> None:
        self.buckets: tuple[Bucket, ...] = ()
        self.credentials: tuple[Credential, ...] = ()
        self._objects: dict[tuple[str, str], dict[str, tuple[Stored, bytes]]] = {}

    def apply(self, buckets: Sequence[Bucket], credentials: Sequence[Credential]) -> None:
        self.buckets, self.credentials = tuple(buckets), tuple(credentials)
        known = {(bucket.jurisdiction, bucket.name) for bucket in buckets}
        for gone in self._objects.keys() - known:
            del self._objects[gone]

    def check_empty(self, jurisdiction: str, bucket: str) -> None:
        if self._objects.get((jurisdiction, bucket)):
            raise BucketNotEmpty("The bucket you tried to delete is not empty")

    def listing(self, jurisdiction: str, bucket: str, prefix: str = "") -> list[Stored]:
        found = self._objects.get((jurisdiction, bucket), {})
        return [found[key][0] for key in sorted(found) if key.startswith(prefix)]

    def get(self, jurisdiction: str, bucket: str, key: str) -> tuple[Stored, bytes] | None:
        return self._objects.get((jurisdiction, bucket), {}).get(key)

    def put(self, jurisdiction: str, bucket: str, key: str, content: bytes, content_type: str = "") -> Stored:
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        stored = Stored(key, len(content), etag, now(), content_type or "application/octet-stream")
        self._objects.setdefault((jurisdiction, bucket), {})[key] = (stored, content)
        return stored

    def delete(self, jurisdiction: str, bucket: str, key: str) -> None:
        self._objects.get((jurisdiction, bucket), {}).pop(key, None)


class MemoryValues:
    """Values in dictionaries."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, Value]] = {}

    def get(self, namespace: str, key: str) -> Value | None:
        value = self._values.get(namespace, {}).get(key)
        return value if value is not None and not _expired(value) else None

    def put(self, namespace: str, key: str, value: Value) -> None:
        self._values.setdefault(namespace, {})[key] = value

    def delete(self, namespace: str, key: str) -> None:
        self._values.get(namespace, {}).pop(key, None)

    def keys(self, namespace: str, prefix: str = "") -> list[tuple[str, Value]]:
        found = sorted(self._values.get(namespace, {}).items())
        return [(k, replace(v, content=b"")) for k, v in found if k.startswith(prefix) and not _expired(v)]

    def drop(self, namespace: str) -> None:
        self._values.pop(namespace, None)


def _expired(value: Value) -> bool:
    return value.expiration is not None and value.expiration <= time.time()


class MemoryPictures:
    """Originals in a dictionary."""

    address = "https://imagedelivery.localhost"
    authority: Path | None = None

    def __init__(self) -> None:
        self.library = Library("", "")
        self._pictures: dict[str, bytes] = {}

    def apply(self, library: Library) -> None:
        self.library = library

    def put(self, name: str, content: bytes) -> None:
        if not any(content.startswith(mark) for mark in PICTURES):
            raise DataPlaneError("The uploaded file is not an image of a supported format (PNG, JPEG, GIF, WebP, SVG)")
        self._pictures[name] = content

    def get(self, name: str) -> bytes | None:
        return self._pictures.get(name)

    def delete(self, name: str) -> None:
        self._pictures.pop(name, None)


class MemoryDataPlane:
    """Starts nothing, serves nobody."""

    def __init__(self) -> None:
        self.traffic = MemoryTraffic()
        self.objects = MemoryObjects()
        self.values = MemoryValues()
        self.pictures = MemoryPictures()

    def stop(self) -> None:
        """Nothing runs."""
