"""The release archive that instances are given: what it says of itself. Pure but for reading the file.

Format (scripts/operator/release writes it): tar in zstd, `release.json` first, then `app/` and `node/`.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

import zstandard

FIX = "build one: scripts/store release build --app PATH/TO/medusa-backend"


class ReleaseError(ValueError):
    """The file is no release archive, or is not there; the message says what to do."""


@dataclass(frozen=True)
class Release:
    path: Path
    digest: str
    """16 hex digits, of the content."""
    sha256: str
    """Of the archive's bytes, hex: instances check it before they unpack."""
    node: str
    medusa: str


def read(path: Path) -> Release:
    """Read the archive's head and hash the whole."""
    try:
        with path.open("rb") as raw:
            sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
            raw.seek(0)
            with zstandard.ZstdDecompressor().stream_reader(raw) as stream:
                head = io.BytesIO(stream.read(16 * 1024))
        with tarfile.open(fileobj=head) as archive:
            member = archive.next()
            file = archive.extractfile(member) if member is not None and member.name == "release.json" else None
            if file is None:
                raise ReleaseError(f"{path} is not a release archive: it does not start with release.json; {FIX}")
            said = json.load(file)
        return Release(path, str(said["digest"]), sha256, str(said["node"]), str(said["medusa"]))
    except FileNotFoundError:
        raise ReleaseError(f"the release archive {path} is not there; {FIX}") from None
    except (OSError, tarfile.TarError, zstandard.ZstdError, json.JSONDecodeError, KeyError) as error:
        raise ReleaseError(f"{path} is not a release archive ({error}); {FIX}") from None
