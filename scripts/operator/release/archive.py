"""A release archive: tar in zstd, the same bytes whenever the content is the same.

`release.json` is the first member, so that a reader learns name and digest from the first kilobytes. The digest is the
sha256 of the tar stream after that member. Owners are root, times the epoch, modes 755 or 644, names sorted.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from scripts.operator.errors import OperatorError

LEVEL = 9
SUFFIX = ".tar.zst"


@dataclass(frozen=True)
class Release:
    """What release.json says. `digest` has 16 hex digits, `created_from` the first 16 of the inputs' hash."""

    name: str
    digest: str
    node: str
    medusa: str
    created_from: str

    def as_json(self) -> dict[str, str]:
        """The file's own names."""
        values = asdict(self)
        values["createdFrom"] = values.pop("created_from")
        return values


def write(folders: dict[str, Path], release: Release, output: Path) -> tuple[Path, Release]:
    """Pack `folders` (name in the archive → folder) into `output`; its path, and the release with its digest."""
    digest = _digest(folders)
    named = Release(release.name, digest, release.node, release.medusa, release.created_from)
    path = output / f"medusa-{digest}{SUFFIX}"
    partial = path.with_suffix(f".{os.getpid()}.partial")
    compressor = zstandard.ZstdCompressor(level=LEVEL, threads=-1, write_content_size=False)
    try:
        with partial.open("wb") as raw, compressor.stream_writer(raw) as stream:
            content = json.dumps(named.as_json(), indent=2, sort_keys=True).encode() + b"\n"
            head = _header("release.json", 0o644)
            head.size = len(content)
            # Written by hand, not through TarFile: it would close the stream with two blocks of its own.
            stream.write(head.tobuf(tarfile.PAX_FORMAT))
            stream.write(content + b"\0" * (-len(content) % 512))
            _tar(folders, stream)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path, named


def read(path: Path) -> Release:
    """The release.json of an archive; OperatorError when it is none."""
    try:
        with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
            start = io.BytesIO(stream.read(16 * 1024))
        with tarfile.open(fileobj=start) as archive:
            member = archive.next()
            file = archive.extractfile(member) if member and member.name == "release.json" else None
            values: dict[str, Any] = json.loads(file.read()) if file else {}
        return Release(
            values["name"], values["digest"], values["node"], values["medusa"], values.get("createdFrom", "")
        )
    except (OSError, tarfile.TarError, zstandard.ZstdError, ValueError, KeyError) as error:
        raise OperatorError(
            f"{path} is not a release archive: {error}",
            advice="build one: scripts/store release build --app PATH/TO/medusa-backend",
        ) from error


def _digest(folders: dict[str, Path]) -> str:
    digest = hashlib.sha256()

    class Sink(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            digest.update(data)
            return len(data)

    _tar(folders, Sink())  # type: ignore[arg-type]
    return digest.hexdigest()[:16]


def _tar(folders: dict[str, Path], stream: BinaryIO) -> None:
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1024 * 1024) as archive:
        for name, folder in sorted(folders.items()):
            for path, member_name in _members(folder, name):
                member = _header(member_name, 0o644)
                status = path.lstat()
                if stat.S_ISLNK(status.st_mode):
                    member.type, member.linkname, member.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
                    archive.addfile(member)
                elif stat.S_ISDIR(status.st_mode):
                    member.type, member.mode = tarfile.DIRTYPE, 0o755
                    archive.addfile(member)
                else:
                    member.size = status.st_size
                    member.mode = 0o755 if status.st_mode & 0o100 else 0o644
                    with path.open("rb") as file:
                        archive.addfile(member, file)


def _members(folder: Path, name: str) -> Iterator[tuple[Path, str]]:
    yield folder, name
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            yield from _members(Path(entry.path), f"{name}/{entry.name}")
        else:
            yield Path(entry.path), f"{name}/{entry.name}"


def _header(name: str, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode, member.uid, member.gid, member.uname, member.gname, member.mtime = mode, 0, 0, "root", "root", 0
    return member
