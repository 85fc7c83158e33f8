"""npm packages of the storefront's Worker, installed once a lock file, outside the checkout."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WORKER = ROOT / "components/storefront/worker"
MANIFESTS = ("package.json", "package-lock.json", ".npmrc")


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opticworks/npm"


def installed(package: Path) -> Path:
    """The ``node_modules`` that ``npm ci`` makes of ``package``; a second caller waits for the first one's."""
    digest = hashlib.sha256(b"\0".join((package / name).read_bytes() for name in MANIFESTS)).hexdigest()[:16]
    done = cache() / f"{package.name}-{digest}"
    done.parent.mkdir(parents=True, exist_ok=True)
    with (cache() / f"{done.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            fresh = done.with_name(f"{done.name}.part")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            for name in MANIFESTS:
                shutil.copy(package / name, fresh)
            subprocess.run(["npm", "ci", "--no-progress"], cwd=fresh, check=True)
            fresh.rename(done)
    return done / "node_modules"


@pytest.fixture
def worker(tmp_path: Path) -> Path:
    """The Worker's sources in a folder of their own, ready for ``npm test``."""
    if shutil.which("node") is None:
        pytest.skip("no node on PATH")
    copy = tmp_path / "worker"
    shutil.copytree(WORKER, copy, ignore=shutil.ignore_patterns("node_modules"))
    (copy / "node_modules").symlink_to(installed(WORKER))
    return copy
