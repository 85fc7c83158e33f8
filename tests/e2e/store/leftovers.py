"""What an embedded cloud has on the machine: processes, mounts, block devices, ports."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path


def listens(port: int) -> bool:
    """Whether anybody answers there."""
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def processes(home: Path) -> list[str]:
    """Id and command line of processes that name the home, or have root, working directory or a file open in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        places = [entry / "cwd", entry / "root", *_open_files(entry)]
        if line and (str(home) in line or any(_target(place).startswith(str(home)) for place in places)):
            found.append(f"{entry.name} {line}")
    return found


def _open_files(process: Path) -> list[Path]:
    try:
        return list((process / "fd").iterdir())
    except OSError:
        return []


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def mounts(home: Path) -> list[str]:
    """What is mounted below the home."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line for line in lines if str(home) in line]


def loops(home: Path) -> list[str]:
    """Block devices whose backing file lies in the home."""
    listed = subprocess.run(["losetup", "--list", "--noheadings"], capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if str(home) in line]
