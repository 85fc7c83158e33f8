"""Objects' bytes, as files with names of chance. A file is never changed once the index names it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from localcloud.cloudflare.r2 import checksums
from localcloud.cloudflare.r2.model import Body

CHUNK = 1 << 20


class Blobs:
    """A folder of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, blob: str) -> Path:
        return self.folder / blob[:2] / blob

    def open(self, blob: str) -> BinaryIO:
        """An open file stays readable although the object is deleted meanwhile."""
        return self.path(blob).open("rb")

    def remove(self, blobs: Iterable[str]) -> None:
        for blob in blobs:
            self.path(blob).unlink(missing_ok=True)

    def keep_only(self, known: set[str]) -> None:
        """Removes what a killed process left half-written."""
        for path in self.folder.glob("??/*"):
            if path.name not in known:
                path.unlink()

    @contextmanager
    def draft(self, algorithms: Iterable[str] = ()) -> Iterator[Draft]:
        """A new file to write to; it is removed again if the block fails."""
        draft = Draft(self, algorithms)
        try:
            yield draft
        except BaseException:
            draft.discard()
            raise

    def join(self, blobs: Iterable[str], algorithms: Iterable[str] = ()) -> Body:
        """One new file with the bytes of several, in their order."""
        with self.draft(algorithms) as draft:
            for blob in blobs:
                with self.open(blob) as source:
                    while data := source.read(CHUNK):
                        draft.write(data)
            return draft.finish()

    def copy(self, source: BinaryIO, first: int, length: int, algorithms: Iterable[str] = ()) -> Body:
        """A new file with ``length`` bytes of an open one, from the one numbered ``first``."""
        with self.draft(algorithms) as draft:
            source.seek(first)
            while length > 0 and (data := source.read(min(CHUNK, length))):
                draft.write(data)
                length -= len(data)
            return draft.finish()


class Draft:
    """A file being received, its digests computed on the way."""

    def __init__(self, blobs: Blobs, algorithms: Iterable[str]) -> None:
        self._blobs, self.name, self.size = blobs, uuid.uuid4().hex, 0
        path = blobs.path(self.name)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        self._file = path.open("xb")
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._digests = {name: checksums.start(name) for name in algorithms}

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._md5.update(data)
        self.size += len(data)
        for digest in self._digests.values():
            digest.update(data)

    def finish(self) -> Body:
        self._file.close()
        known = {name: checksums.encoded(digest.digest()) for name, digest in self._digests.items()}
        return Body(self.name, self.size, self._md5.hexdigest(), known)

    def discard(self) -> None:
        self._file.close()
        self._blobs.remove([self.name])
