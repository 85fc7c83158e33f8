"""Originals and the cache of what was made of them, on disk. Implements the data plane's ``Pictures``."""

from __future__ import annotations

import hashlib
import os
import threading
import uuid
from contextlib import suppress
from pathlib import Path

from localcloud.cloudflare.dataplane.interface import DataPlaneError, Library
from localcloud.cloudflare.images_service import transform
from localcloud.cloudflare.images_service.options import Options
from localcloud.cloudflare.images_service.transform import PictureError, Rendered

CACHE_BYTES = 256 * 1024 * 1024


class Pictures:
    """Open it once for a home's folder; it may be used from any thread."""

    def __init__(self, folder: Path) -> None:
        self._originals, self._cache = folder / "originals", folder / "cache"
        for path in (self._originals, self._cache):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.Lock()
        self.library = Library("", "")

    def apply(self, library: Library) -> None:
        self.library = library

    def put(self, name: str, content: bytes) -> None:
        try:
            transform.check(content)
        except PictureError as wrong:
            raise DataPlaneError(str(wrong)) from wrong
        _write(self._original(name), content)

    def get(self, name: str) -> bytes | None:
        try:
            return self._original(name).read_bytes()
        except FileNotFoundError:
            return None

    def delete(self, name: str) -> None:
        self._original(name).unlink(missing_ok=True)

    def _original(self, name: str) -> Path:
        # A picture's name is the user's, with slashes if they like.
        return self._originals / hashlib.sha256(name.encode()).hexdigest()

    def render(self, content: bytes, options: Options, accept: str) -> Rendered:
        """A variant, out of the cache if it was made before."""
        taken = ",".join(kind for kind in ("image/avif", "image/webp") if kind in accept.lower())
        key = hashlib.sha256(content)
        key.update(f"{options!r} {taken}".encode())
        path = self._cache / key.hexdigest()
        with suppress(FileNotFoundError):
            kind, _, body = path.read_bytes().partition(b"\n")
            os.utime(path)
            return Rendered(body, kind.decode())
        made = transform.transform(content, options, taken)
        _write(path, made.content_type.encode() + b"\n" + made.content)
        self._trim()
        return made

    def _trim(self) -> None:
        """What was not asked for the longest goes first."""
        with self._lock:
            files = sorted(((path.stat(), path) for path in self._cache.iterdir()), key=lambda pair: pair[0].st_mtime)
            over = sum(stat.st_size for stat, _ in files) - CACHE_BYTES
            for stat, path in files:
                if over <= 0:
                    return
                path.unlink(missing_ok=True)
                over -= stat.st_size


def _write(path: Path, content: bytes) -> None:
    """In one step: a reader sees the whole or nothing."""
    draft = path.with_name(f".{uuid.uuid4().hex}")
    draft.write_bytes(content)
    draft.replace(path)
