"""The processes of a home's edge, found on the host itself: what a killed daemon may have left.

An edge ends by itself when its daemon does, but takes a moment in which it still holds its ports.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

EDGE = b"localcloud.cloudflare.edge"
END_SECONDS = 8.0
"""Longer than the edge gives requests that are under way, and workerd."""


def processes(home: Path) -> dict[int, str]:
    """Process id → ``edge`` or ``workerd``."""
    run = home / "edge" / "run"
    folder = f"{run.readlink()}/" if run.is_symlink() else ""
    found: dict[int, str] = {}
    for number in _numbers():
        with suppress(OSError):
            words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
            if EDGE in words and str(home).encode() in words:
                found[number] = "edge"
            elif folder and os.readlink(f"/proc/{number}/cwd").removesuffix(" (deleted)").startswith(folder):
                found[number] = "workerd"
    return found


def folders(home: Path) -> list[Path]:
    """Folders outside the home: the edge's sockets and Workers' files, secrets among them."""
    run = home / "edge" / "run"
    return [run.readlink()] if run.is_symlink() and run.readlink().is_dir() else []


def end(home: Path) -> None:
    """End all of them, by force where asking does not help, and remove their files. For when no daemon runs."""
    _signal(home, signal.SIGTERM)
    _signal(home, signal.SIGKILL)
    for folder in folders(home):
        shutil.rmtree(folder, ignore_errors=True)
    (home / "edge" / "run").unlink(missing_ok=True)


def _signal(home: Path, number: int) -> None:
    """Send each of them a signal and wait until it has ended, or END_SECONDS."""
    watched = []
    for process in processes(home):
        with suppress(ProcessLookupError):
            watched.append(os.pidfd_open(process))
            signal.pidfd_send_signal(watched[-1], number)
    for descriptor in watched:
        select.select([descriptor], [], [], END_SECONDS)
        os.close(descriptor)


def _numbers() -> Iterator[int]:
    return (
        int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and int(entry.name) != os.getpid()
    )
