"""The workerd binary, from the npm package that package-lock.json pins, installed once into the cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from localcloud.cloudflare.runtime.model import RuntimeFailure

FOLDER = Path(__file__).parent
PINS = ("package.json", "package-lock.json")
BINARY = Path("node_modules/.bin/workerd")


def folder(cache: Path) -> Path:
    """Where these pins are installed: another lock file, another folder."""
    digest = hashlib.sha256(b"\0".join((FOLDER / name).read_bytes() for name in PINS)).hexdigest()[:16]
    return cache / "workerd" / digest


def binary(cache: Path) -> Path:
    """Path of workerd, installed with npm if it is not there yet (3 s, 124 MB).

    :raises RuntimeFailure: npm is missing or failed.
    """
    target = folder(cache)
    if (target / BINARY).exists():
        return _native(target)
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeFailure("npm is needed to install workerd and is not on PATH: install Node.js 20 or newer.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / BINARY).exists():
            _install(npm, target)
    return _native(target)


def _install(npm: str, target: Path) -> None:
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for name in PINS:
        shutil.copy(FOLDER / name, draft / name)
    done = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=draft, capture_output=True, text=True
    )
    if done.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        raise RuntimeFailure(f"npm could not install workerd:\n{done.stderr.strip()}")
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)


def _native(target: Path) -> Path:
    """The program itself: npm's launcher is a Node script where the package's own install step did not replace it."""
    found = sorted(target.glob("node_modules/@cloudflare/workerd-*/bin/workerd"))
    return found[0] if found else target / BINARY
