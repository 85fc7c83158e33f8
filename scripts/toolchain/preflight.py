"""What this machine must be, asked before anything is installed: each answer is a sentence with what to do about it."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.toolchain.paths import ROOT, cache

OLDEST_KERNEL = (5, 11)
"""Overlay mounts of the machines' disks and nftables' rules as used here are all in it."""

FIRST_TIME_GB = 10
"""Packages, Go's and npm's caches, two operating-system images, a release, and three machines' disks."""
PREPARED_GB = 2
MEMORY_GIB = 3.5


@dataclass(frozen=True)
class Machine:
    """What is looked at; ``kernel`` as ``uname -r`` says it, ``free_gb`` on the disk of the cache and the checkout."""

    system: str
    kernel: str
    user: int
    free_gb: float
    memory_gib: float
    filesystems: frozenset[str]
    prepared: bool
    """Whether an earlier run has filled the cache."""


def look() -> Machine:
    """This machine."""
    return Machine(
        system=platform.system(),
        kernel=platform.release(),
        user=os.geteuid(),
        free_gb=min(shutil.disk_usage(existing(path)).free for path in (cache(), ROOT)) / 1e9,
        memory_gib=memory_gib(read("/proc/meminfo")),
        filesystems=frozenset(read("/proc/filesystems").replace("nodev", "").split()),
        prepared=(ROOT / ".local" / "toolchain" / "prepared").exists(),
    )


def problems(machine: Machine, *, boots: bool = True) -> list[str]:
    """What keeps this machine from it. ``boots``: whether machines are to be booted here, or only tests run."""
    if machine.system != "Linux":
        return [f"This needs Linux and this is {machine.system}: use a virtual machine with Debian 12 or newer."]
    return list(_problems(machine, boots))


def _problems(machine: Machine, boots: bool) -> Iterator[str]:
    if boots and machine.user != 0:
        yield "Booting machines needs root: run it with sudo, or as root."
    if boots and kernel_version(machine.kernel) < OLDEST_KERNEL:
        needed = ".".join(map(str, OLDEST_KERNEL))
        yield f"The kernel is {machine.kernel} and {needed} or newer is needed: upgrade it, or use Debian 12 or newer."
    if boots and "overlay" not in machine.filesystems and not module_exists("overlay", machine.kernel):
        yield "The kernel has no overlayfs: load it with `modprobe overlay`, or use a kernel that has it."
    needed_gb = PREPARED_GB if machine.prepared else FIRST_TIME_GB
    if machine.free_gb < needed_gb:
        yield (
            f"{machine.free_gb:.1f} GB of disk are free and {needed_gb} GB are needed: "
            "free some, or set XDG_CACHE_HOME to a folder on a larger disk."
        )
    if boots and machine.memory_gib < MEMORY_GIB:
        yield f"The machine has {machine.memory_gib:.1f} GiB of memory and {MEMORY_GIB} are needed: use a larger one."


def kernel_version(release: str) -> tuple[int, int]:
    match = re.match(r"(\d+)\.(\d+)", release)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def memory_gib(meminfo: str) -> float:
    match = re.search(r"^MemTotal:\s+(\d+) kB", meminfo, re.MULTILINE)
    return int(match[1]) / 1024**2 if match else 0.0


def module_exists(name: str, kernel: str) -> bool:
    """Whether the module can be loaded when it is first used."""
    return f"/{name}.ko" in read(f"/lib/modules/{kernel}/modules.dep")


def existing(path: Path) -> Path:
    """The nearest folder above that exists: where a folder that is to be made will lie."""
    return path if path.exists() else existing(path.parent)


def read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
