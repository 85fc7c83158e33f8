"""Arithmetic of memory: PostgreSQL's settings and Redis' limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.cache.bootstrap.sizes import FORK_FACTOR, OVERHEAD_FACTOR, SYSTEM, sizes
from components.database.bootstrap.tuning import GIB, MIB, Machine, max_connections, settings, shared_buffers, work_mem

memories = st.integers(min_value=1 * GIB, max_value=768 * GIB)


def number(text: str) -> int:
    return int(text.removesuffix("MB")) * MIB


@pytest.mark.parametrize(
    ("gib", "cpus", "expected"),
    [
        (
            2,
            2,
            {"shared_buffers": "512MB", "effective_cache_size": "1536MB", "work_mem": "7MB", "max_connections": "60"},
        ),
        (
            8,
            4,
            {"shared_buffers": "2048MB", "effective_cache_size": "6144MB", "work_mem": "9MB", "max_connections": "200"},
        ),
        (64, 16, {"shared_buffers": "16384MB", "maintenance_work_mem": "1024MB", "max_connections": "400"}),
    ],
)
def test_settings_of_usual_servers(gib: int, cpus: int, expected: dict[str, str]) -> None:
    """The figures that a person would check first."""
    actual = settings(Machine(gib * GIB, cpus, 20 * GIB))
    assert {key: actual[key] for key in expected} == expected


@given(memory=memories, cpus=st.integers(1, 64), volume=st.integers(10 * GIB, 10240 * GIB))
def test_postgresql_always_fits_into_its_server(memory: int, cpus: int, volume: int) -> None:
    """A server tuned beyond its memory is killed by the kernel under load, not when it is set up."""
    actual = settings(Machine(memory, cpus, volume))
    connections = int(actual["max_connections"])
    assert number(actual["shared_buffers"]) <= memory / 4
    # One work_mem for every connection, and vacuum in three workers.
    busy = number(actual["shared_buffers"]) + connections * number(actual["work_mem"])
    assert busy + 3 * number(actual["maintenance_work_mem"]) <= memory * 1.25
    assert number(actual["max_wal_size"]) <= max(volume / 8, 512 * MIB)
    assert 60 <= connections <= 400
    assert int(actual["max_parallel_workers_per_gather"]) <= max(1, cpus // 2)


@given(memory=memories)
def test_more_memory_never_gives_less(memory: int) -> None:
    """Growing the server must not lower a limit."""
    assert max_connections(memory + GIB) >= max_connections(memory)
    assert shared_buffers(memory + GIB) >= shared_buffers(memory)
    assert work_mem(memory, 100, 8) >= 4 * MIB


@given(memory=st.integers(min_value=2 * GIB, max_value=256 * GIB))
def test_both_redis_full_during_a_rewrite_still_fit(memory: int) -> None:
    """The kernel kills Redis for memory exactly when it is fullest."""
    limits = sizes(memory)
    peak = limits.durable * OVERHEAD_FACTOR * FORK_FACTOR + limits.cache * OVERHEAD_FACTOR
    assert peak + SYSTEM <= memory
    assert limits.durable > limits.cache * 0.9


def test_redis_of_the_default_server() -> None:
    limits = sizes(4 * GIB)
    assert (limits.durable // MIB, limits.cache // MIB) == (1237, 1237)
