"""From a raw bundle (what `wrangler deploy --dry-run --outdir` wrote) to a composed folder, through node.

The packages that the composition needs are installed once per lock file, in the user's cache.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from components.storefront.errors import BundleError

WORKER = Path(__file__).parent / "worker"
MANIFESTS = ("package.json", "package-lock.json", ".npmrc")
SOURCES = ("build", "src")


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opticworks"


def compose(raw: Path, store: Path, shown: str) -> Path:
    """The composed folder below `store`; made when neither the bundle nor the Worker before it has been seen yet.

    Raises BundleError with what the composition says. Limits are the larger plan's: the reader checks the account's.
    """
    inputs = tree_digest([raw, *(WORKER / name for name in SOURCES), *(WORKER / name for name in MANIFESTS)])
    note = store / "composed" / f"{inputs}.json"
    try:
        known = store / str(json.loads(note.read_text(encoding="utf-8"))["folder"])
        if (known / "manifest.json").is_file():
            return known
    except (OSError, ValueError, KeyError):
        pass
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store) as scratch:
        out = Path(scratch, "out")
        run(raw, out, shown)
        digest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["digest"]
        place = store / f"storefront-{digest}"
        if not place.is_dir():
            out.rename(place)
    note.parent.mkdir(exist_ok=True)
    note.write_text(json.dumps({"folder": place.name}) + "\n", encoding="utf-8")
    return place


def run(raw: Path, out: Path, shown: str, plan: str = "paid") -> None:
    """Compose `raw` into `out`, with the packages of the cache. Raises BundleError."""
    node = shutil.which("node")
    if node is None:
        raise BundleError(
            shown,
            "is not composed yet, which takes node, and there is none on PATH",
            "install Node 20.19 or newer, or give the folder that `scripts/store storefront build` made elsewhere",
        )
    with tempfile.TemporaryDirectory() as scratch:
        worker = Path(scratch)
        for name in SOURCES:
            shutil.copytree(WORKER / name, worker / name)
        shutil.copy2(WORKER / "package.json", worker)
        (worker / "node_modules").symlink_to(packages(shown))
        command = [node, "build/main.mjs", "--bundle", str(raw.resolve()), "--out", str(out.resolve()), "--plan", plan]
        done = subprocess.run(command, cwd=worker, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = done.stderr.strip().removeprefix("error: ").replace(str(raw.resolve()), shown)
        raise BundleError(shown, f"cannot be composed: {said or 'node ended without a word'}")


def packages(shown: str) -> Path:
    """`node_modules` for the composition; a second caller waits for the first one's."""
    digest = hashlib.sha256(b"\0".join((WORKER / name).read_bytes() for name in MANIFESTS)).hexdigest()[:16]
    done = cache() / "npm" / f"worker-build-{digest}"
    done.parent.mkdir(parents=True, exist_ok=True)
    with done.with_name(f"{done.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            fresh = done.with_name(f"{done.name}.part")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            for name in MANIFESTS:
                shutil.copy2(WORKER / name, fresh)
            _install(fresh, shown)
            fresh.rename(done)
    return done / "node_modules"


def _install(folder: Path, shown: str) -> None:
    fix = "see that `npm ping` answers, then run it again"
    try:
        done = subprocess.run(
            ["npm", "ci", "--omit=dev", "--no-progress"],
            cwd=folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise BundleError(shown, "is not composed yet, which takes npm, and there is none on PATH", fix) from None
    if done.returncode:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "npm ci failed")
        raise BundleError(shown, f"is not composed yet, and what that takes could not be installed: {last}", fix)


def tree_digest(roots: Iterable[Path], ignored: frozenset[str] = frozenset({"node_modules"})) -> str:
    """sha256 (hex) over the names, below each root, and contents of all files; `ignored` are names of folders."""
    digest = hashlib.sha256()
    for root in roots:
        for path in [root] if root.is_file() else sorted(files(root, ignored)):
            digest.update(f"{path.relative_to(root.parent if root.is_file() else root).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def files(root: Path, ignored: frozenset[str]) -> Iterable[Path]:
    for parent, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in ignored]
        yield from (Path(parent, name) for name in names)
