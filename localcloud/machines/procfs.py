"""The hardware that a server sees: its memory in /proc/meminfo and its volumes as block devices.

A directory per server is bound read-only at /run/hardware; a unit of the image runs its ``setup`` early at each boot.
The host rewrites the files in place, so what is bound inside shows it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

GIB_IN_KIB = 1024 * 1024

SETUP = """\
# Runs inside the server, before its file systems are mounted.
mount --bind /run/hardware/meminfo /proc/meminfo
mkdir -p /dev/disk/by-id
while read -r name major minor volume; do
  rm -f "/dev/$name" "/dev/disk/by-id/scsi-0HC_Volume_$volume"
  mknod -m 660 "/dev/$name" b "$major" "$minor" && chgrp disk "/dev/$name"
  ln -s "../../$name" "/dev/disk/by-id/scsi-0HC_Volume_$volume"
done < /run/hardware/volumes
"""


def meminfo(template: str, total_kib: int, used_kib: int) -> str:
    """/proc/meminfo of a machine with ``total_kib`` of memory, of which ``used_kib`` are taken; without swap.

    Lines keep the kernel's own layout and length, so that a rewrite in place never shows a torn line.
    """
    free = max(total_kib - used_kib, 0)
    values = {"MemTotal": total_kib, "MemFree": free, "MemAvailable": free, "SwapTotal": 0, "SwapFree": 0,
              "SwapCached": 0, "CommitLimit": total_kib}  # fmt: skip

    def line(match: re.Match[str]) -> str:
        name, kib = match[1], int(match[2])
        known = values.get(name, min(kib, used_kib))
        return f"{name + ':':<16}{known:>8} kB"

    return re.sub(r"(?m)^([\w()]+):\s+(\d+) kB$", line, template)


def write_meminfo(folder: Path, memory_gib: float, used_bytes: int) -> None:
    """Write the server's /proc/meminfo in one call."""
    text = meminfo(Path("/proc/meminfo").read_text(), int(memory_gib * GIB_IN_KIB), used_bytes // 1024).encode()
    descriptor = os.open(folder / "hardware" / "meminfo", os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.pwrite(descriptor, text, 0)
        os.ftruncate(descriptor, len(text))
    finally:
        os.close(descriptor)


def device_letter(position: int) -> str:
    """Name of the volume's device at a position: ``sdb`` for 0 (``sda`` is the server's own disk)."""
    return f"sd{'bcdefghijklmnopqrstuvwxyz'[position]}"


def write(folder: Path, memory_gib: float, volumes: Mapping[int, tuple[int, str]]) -> None:
    """Write all files for a boot; ``volumes`` is position → (volume id, loop device)."""
    place = folder / "hardware"
    place.mkdir(parents=True, exist_ok=True)
    (place / "setup").write_text(SETUP)
    lines = []
    for position, (volume, device) in sorted(volumes.items()):
        number = os.stat(device).st_rdev
        lines.append(f"{device_letter(position)} {os.major(number)} {os.minor(number)} {volume}\n")
    (place / "volumes").write_text("".join(lines))
    write_meminfo(folder, memory_gib, 0)
