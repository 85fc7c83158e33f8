"""How a Medusa server's memory is divided between the process that serves and the one that works off queues. MiB."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024
# What is neither: kernel, systemd, sshd, journald, HAProxy, the readiness service, unattended-upgrades at its peak.
SYSTEM = 448
# Medusa 2 idles near 350 MiB; below this it is killed in an import or a large export.
LEAST = 512
SERVER_SHARE = 0.6
# Node's heap is not all of its memory: buffers, code and stacks come on top (a quarter of the whole, measured).
HEAP_SHARE = 0.75


@dataclass(frozen=True)
class Process:
    limit_mib: int
    """MemoryMax of the unit."""
    heap_mib: int
    """Node's --max-old-space-size."""


@dataclass(frozen=True)
class Share:
    server: Process
    worker: Process


def share(memory: int) -> Share:
    """Divide `memory` (MemTotal, bytes)."""
    usable = max(memory // MIB - SYSTEM, 2 * LEAST)
    server = max(int(usable * SERVER_SHARE), LEAST)
    worker = max(usable - server, LEAST)
    return Share(*(Process(limit, int(limit * HEAP_SHARE)) for limit in (server, worker)))
