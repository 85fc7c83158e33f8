"""The virtual environment: ``.venv`` is a link into the cache, to one that was made from exactly this lock file."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.toolchain.paths import ROOT, environment_folder
from scripts.toolchain.steps import Log, SetupError

DONE = ".complete"
"""A file in the environment that says that everything was installed."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process on this machine at a time; another one waits here."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def prepare(log: Log) -> str:
    """Makes ``.venv`` hold what requirements.lock lists, checked by its hashes."""
    folder = environment_folder()
    made = False
    if not (folder / DONE).is_file():
        with locked(folder.with_suffix(".lock")):
            if not (folder / DONE).is_file():
                build(folder, log)
                made = True
    link(folder)
    return f"{'made' if made else 'up to date'}, Python {sys.version.split()[0]}"


def build(folder: Path, log: Log) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    log.note = "making the environment"
    try:
        subprocess.run([sys.executable, "-c", "import ensurepip, venv"], check=True, capture_output=True)
    except subprocess.CalledProcessError:
        raise SetupError("This Python cannot make virtual environments: install python3-venv.") from None
    log.run([sys.executable, "-m", "venv", folder])
    log.run(
        [
            folder / "bin" / "python", "-m", "pip", "install", "--no-deps", "--require-hashes", "--no-input",
            "--disable-pip-version-check", "--progress-bar", "off", "-r", ROOT / "requirements.lock",
        ]
    )  # fmt: skip
    (folder / DONE).touch()


def link(folder: Path) -> None:
    """Points ``.venv`` at the environment, in one step: a command that runs meanwhile sees the old or the new one."""
    target = ROOT / ".venv"
    if target.is_symlink() and Path(os.readlink(target)) == folder:
        return
    if target.is_dir() and not target.is_symlink():
        raise SetupError(f"{target} is a folder of your own, where a link is to be: move it away and try again.")
    draft = ROOT / f".venv.{os.getpid()}"
    draft.symlink_to(folder)
    draft.replace(target)
