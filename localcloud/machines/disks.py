"""Disks of servers: an overlay of the server's own writes on the image's read-only trees."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from localcloud.machines.commands import run, succeeds
from localcloud.machines.interface import MachineError


def make(folder: Path) -> None:
    """Make an empty disk in a server's folder; ``up`` holds what the server writes."""
    for part in ("up", "work", "root"):
        (folder / "disk" / part).mkdir(parents=True, exist_ok=True)


def mount(folder: Path, layers: Sequence[str]) -> Path:
    """Mount the disk on ``disk/root`` below the folder and return that path."""
    disk = folder / "disk"
    root = disk / "root"
    if not os.path.ismount(root):
        options = f"lowerdir={':'.join(layers)},upperdir={disk / 'up'},workdir={disk / 'work'}"
        try:
            run(["mount", "-t", "overlay", "overlay", "-o", options, root])
        except MachineError as error:
            raise MachineError(f"{error}; {folder} must be on a file system that overlayfs can write to") from None
    return root


def unmount(folder: Path) -> None:
    root = folder / "disk" / "root"
    if not os.path.ismount(root):
        return
    if not succeeds(["umount", root]):
        # A dying machine's last process can hold the mount for some milliseconds; detach, and it goes with it.
        run(["umount", "--lazy", root])


def mounts_below(folder: Path) -> list[Path]:
    """Mount points at or below a folder, deepest first."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        path = Path(line.split()[4].encode().decode("unicode_escape"))
        if path.is_relative_to(folder):
            found.append(path)
    return sorted(found, key=lambda path: len(path.parts), reverse=True)


def unmount_below(folder: Path) -> None:
    for path in mounts_below(folder):
        if not succeeds(["umount", path]):
            run(["umount", "--lazy", path])


def trash(instance_folder: Path, path: Path) -> None:
    """Remove a tree: out of sight at once, deleted in the background (a tree of packages takes tens of seconds)."""
    if not path.exists():
        return
    place = instance_folder / "trash"
    place.mkdir(parents=True, exist_ok=True)
    path.rename(place / f"{path.name}.{time.time_ns()}")
    empty_trash(instance_folder)


def empty_trash(instance_folder: Path, wait: bool = False) -> None:
    """Delete what :func:`trash` put aside; ``wait`` until it is done."""
    place = instance_folder / "trash"
    if not place.is_dir():
        return
    if wait:
        for entry in place.iterdir():
            shutil.rmtree(entry, ignore_errors=True)
        return
    entries = [str(entry) for entry in place.iterdir()]
    if entries:
        # A second fork, so that the shell is nobody's child to wait for and the deletion runs on by itself.
        subprocess.run(
            ["/bin/sh", "-c", 'nice rm -rf --one-file-system "$@" >/dev/null 2>&1 &', "rm", *entries],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            check=False,
        )


def size_bytes(path: Path) -> int:
    """Bytes that the tree takes on disk."""
    return int(run(["du", "-sB1", "--one-file-system", path], timeout=600).split()[0])
