"""PostgreSQL's settings from the server's memory, processors and volume. Memory in bytes everywhere.

Sources: PostgreSQL 17 manual, chapters 19.4 (resource consumption) and 28.5 (WAL); the PostgreSQL wiki's "Tuning Your
PostgreSQL Server"; PGTune's arithmetic for the type "web".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MIB = 1024**2
GIB = 1024**3


@dataclass(frozen=True)
class Machine:
    """``memory``: MemTotal. ``volume``: size of the file system that the data is on."""

    memory: int
    cpus: int
    volume: int


def max_connections(memory: int) -> int:
    """25 for each GiB, between 60 and 400.

    An idle connection costs 5 to 10 MiB, a working one several times ``work_mem``; PGTune gives 200 to a web server's
    database, which is what 8 GiB get here. Above 400 a pooler serves better than more connections do.
    """
    return int(min(max(memory / GIB * 25, 60), 400))


def shared_buffers(memory: int) -> int:
    """A quarter of the memory (manual, 19.4.1: "a reasonable starting value … is 25 %"), in whole MiB."""
    return memory // 4 // MIB * MIB


def work_mem(memory: int, connections: int, workers: int) -> int:
    """What one sort or hash may take: the memory beside shared buffers, with every connection doing three (PGTune)."""
    share = (memory - shared_buffers(memory)) // ((connections + workers) * 3)
    return max(share, 4 * MIB) // MIB * MIB


def settings(machine: Machine) -> Mapping[str, str]:
    """The settings that depend on the machine, as ``postgresql.conf`` writes them."""
    connections = max_connections(machine.memory)
    workers = max(8, machine.cpus)
    # Half the processors for one query at most: a report must not starve the checkout.
    gather = max(1, min(machine.cpus // 2, 4))
    # WAL grows to this between checkpoints; an eighth of a small volume at most, so that it cannot fill it.
    wal = max(min(4 * GIB, machine.volume // 8), 512 * MIB)
    return {
        "max_connections": str(connections),
        "shared_buffers": mib(shared_buffers(machine.memory)),
        # What the planner may count on being cached, by PostgreSQL or the kernel: three quarters (wiki: half to 3/4).
        "effective_cache_size": mib(machine.memory * 3 // 4),
        "work_mem": mib(work_mem(machine.memory, connections, workers)),
        # A sixteenth (PGTune), for VACUUM and CREATE INDEX; three autovacuum workers may take it at once.
        "maintenance_work_mem": mib(min(max(machine.memory // 16, 64 * MIB), GIB)),
        "max_worker_processes": str(workers),
        "max_parallel_workers": str(machine.cpus),
        "max_parallel_workers_per_gather": str(gather),
        "max_parallel_maintenance_workers": str(gather),
        "max_wal_size": mib(wal),
        "min_wal_size": mib(wal // 4),
    }


def mib(size: int) -> str:
    return f"{size // MIB}MB"
