"""Originals and the cache of what was made of them, on disk. Implements the data plane's ``Pictures``."""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import os
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from pathlib import Path

from localcloud.cloudflare.dataplane.interface import DataPlaneError, Library
from localcloud.cloudflare.images_service import names, transform
from localcloud.cloudflare.images_service.options import Options
from localcloud.cloudflare.images_service.transform import PictureError, Rendered

C_LIBRARY = ctypes.CDLL(None)
CACHE_BYTES = 256 * 1024 * 1024
AT_ONCE = 2
"""Pictures that are worked on at the same time."""
LARGE = 16_000_000
"""Pixels; a larger picture is worked on alone: each takes four bytes a pixel, and its copies as much."""
SMALL = 1_000_000
"""Pixels; after a larger picture the memory that it took is given back to the system."""
METHOD = "1"
"""Part of every key: another one when the same options begin to make other bytes."""


class MissingPicture(Exception):
    """There is no original of that name (any more)."""


class Pictures:
    """Open it once for a home's folder; it may be used from any thread and loop.

    ``address`` is where the edge serves pictures, ``https://HOST[:PORT]``; ``authority`` signs its certificate.
    """

    def __init__(self, folder: Path, address: str = f"https://{names.HOST}", authority: Path | None = None) -> None:
        self._originals, self._cache = folder / "originals", folder / "cache"
        for path in (self._originals, self._cache):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            for draft in path.glob(".*"):  # of a daemon that was killed while it wrote
                draft.unlink()
        self._trimming = threading.Lock()
        self._large = threading.Lock()
        self._workers = ThreadPoolExecutor(AT_ONCE, "pictures")
        self._digests: dict[str, tuple[int, int, str]] = {}
        self.address = address
        self.authority = authority
        self.library = Library("", "")

    def close(self) -> None:
        self._workers.shutdown(wait=True, cancel_futures=True)

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
        self._digests.pop(name, None)

    def digest(self, name: str) -> str | None:
        """An original's SHA-256, read anew only where the file is another."""
        try:
            there = self._original(name).stat()
            known = self._digests.get(name)
            if known is None or known[:2] != (there.st_mtime_ns, there.st_ino):
                content = self._original(name).read_bytes()
                known = there.st_mtime_ns, there.st_ino, hashlib.sha256(content).hexdigest()
                self._digests[name] = known
        except FileNotFoundError:
            return None
        return known[2]

    def _original(self, name: str) -> Path:
        # A picture's name is the user's, with slashes if they like.
        return self._originals / hashlib.sha256(name.encode()).hexdigest()

    async def render(self, key: str, read: Callable[[], bytes | None], options: Options, accept: str) -> Rendered:
        """What :func:`key_of` names, out of the cache if it was made before.

        :raises PictureError: it cannot be made.
        :raises MissingPicture: ``read`` found no original.
        """
        if (kept := self._kept(key)) is not None:
            return kept
        return await asyncio.get_running_loop().run_in_executor(self._workers, self._make, key, read, options, accept)

    def _kept(self, key: str) -> Rendered | None:
        with suppress(FileNotFoundError):
            path = self._cache / key
            kind, _, body = path.read_bytes().partition(b"\n")
            os.utime(path)
            return Rendered(body, kind.decode(), kept=True)
        return None

    def _make(self, key: str, read: Callable[[], bytes | None], options: Options, accept: str) -> Rendered:
        if (kept := self._kept(key)) is not None:
            return kept  # somebody waited for the same
        content = read()
        if content is None:
            raise MissingPicture
        _, pixels = transform.check(content, transform.SOURCE_BYTES)
        with self._large if pixels > LARGE else nullcontext():
            made = transform.transform(content, options, names.taken(accept))
        del content
        if pixels > SMALL:
            _give_back()
        _write(self._cache / key, made.content_type.encode() + b"\n" + made.content)
        self._trim()
        return made

    def _trim(self) -> None:
        """What was not asked for the longest goes first."""
        with self._trimming:
            # A name with a dot is a draft, and about to get another.
            kept = [path for path in self._cache.iterdir() if not path.name.startswith(".")]
            files = sorted(((path.stat(), path) for path in kept), key=lambda pair: pair[0].st_mtime)
            over = sum(stat.st_size for stat, _ in files) - CACHE_BYTES
            for stat, path in files:
                if over <= 0:
                    return
                path.unlink(missing_ok=True)
                over -= stat.st_size


def key_of(digest: str, options: Options, accept: str) -> str:
    """What is made of an original, for those who take the same formats: its name in the cache, and its ETag."""
    takes = names.taken(accept) if options.format == "auto" else ""
    return hashlib.sha256(f"{METHOD} {digest} {options!r} {takes}".encode()).hexdigest()


def _give_back() -> None:
    """The C library keeps for the next picture what one has taken, in each thread."""
    if (trim := getattr(C_LIBRARY, "malloc_trim", None)) is not None:
        trim(0)


def _write(path: Path, content: bytes) -> None:
    """In one step: a reader sees the whole or nothing."""
    draft = path.with_name(f".{uuid.uuid4().hex}")
    draft.write_bytes(content)
    draft.replace(path)
