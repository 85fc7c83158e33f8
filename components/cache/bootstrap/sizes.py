"""How a Redis server's memory is divided between its two services. Bytes everywhere."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024

# What is not Redis: kernel, systemd, sshd, journald, unattended-upgrades (which alone peaks near 150 MiB).
SYSTEM = 384 * MIB
# `durable` rewrites its append-only file in a forked child; every page written meanwhile exists twice
# (redis.io, "Redis administration": memory up to twice that of normal use while saving). `cache` never forks.
FORK_FACTOR = 1.5
# maxmemory counts data only; fragmentation and client buffers come on top (redis.io, "Memory optimization").
OVERHEAD_FACTOR = 1.2
# Of what there is for data, sessions, queues and locks get the larger half: they must never be refused.
DURABLE_SHARE = 0.6


@dataclass(frozen=True)
class Sizes:
    """``maxmemory`` of each service."""

    durable: int
    cache: int


def sizes(memory: int) -> Sizes:
    """Divide ``memory`` (MemTotal) so that both services full, with a rewrite under way, still fit into it."""
    usable = max(memory - SYSTEM, 128 * MIB)
    durable = usable * DURABLE_SHARE / (OVERHEAD_FACTOR * FORK_FACTOR)
    cache = usable * (1 - DURABLE_SHARE) / OVERHEAD_FACTOR
    return Sizes(durable=int(durable // MIB) * MIB, cache=int(cache // MIB) * MIB)
