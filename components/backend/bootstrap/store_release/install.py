"""Unpacking a release and forgetting old ones."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from . import common
from .common import Problem, say

KEPT = 3
"""Releases that stay: the new one, the one that serves, and the youngest of the others."""


def install(archive: Path, digest: str, sha256: str) -> None:
    target = common.RELEASES / digest
    if (target / "release.json").is_file():
        say(f"release {digest} is installed already")
        archive.unlink(missing_ok=True)
        return
    if not archive.is_file():
        raise Problem(f"{archive} is not there: the release was not copied")
    with archive.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != sha256:
        raise Problem(f"{archive} is not the release that was built: sha256 {actual}, not {sha256}")
    common.RELEASES.mkdir(parents=True, exist_ok=True)
    partial = common.RELEASES / f".{digest}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    begun = time.monotonic()
    command = ["tar", "--extract", "--zstd", "--file", str(archive), "--directory", str(partial), "--no-same-owner"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        raise Problem(f"the release could not be unpacked: {done.stderr.strip()[-500:]}")
    found = json.loads((partial / "release.json").read_text())["digest"]
    if found != digest:
        shutil.rmtree(partial, ignore_errors=True)
        raise Problem(f"the archive holds release {found}, not {digest}")
    os.rename(partial, target)
    archive.unlink()
    say(f"release {digest} unpacked in {time.monotonic() - begun:.1f} s")
    forget_old(digest)


def forget_old(new: str) -> None:
    """Keep the new one, the one that serves and the youngest besides; the rest goes in the background (many files)."""
    serving = common.CURRENT.resolve().name
    others = [path for path in common.RELEASES.iterdir() if path.name not in (new, serving)]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[KEPT - 2 :] + [path for path in others[: KEPT - 2] if path.name.startswith(".")]:
        trash = path.with_name(f".trash-{path.name}-{os.getpid()}")
        os.rename(path, trash)
        subprocess.Popen(["rm", "-rf", str(trash)], start_new_session=True, stdin=subprocess.DEVNULL)
