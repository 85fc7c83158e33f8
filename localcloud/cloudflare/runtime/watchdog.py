"""Ends a workerd that answers nobody any more: one Worker's endless loop or greed would stop all the others.

Cloudflare gives every Worker its own limits of CPU time (30 s a request by default) and memory (128 MB). Here all of
them share one process, which is ended and started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

LOOK_SECONDS = 0.25
CPU_SECONDS = 10.0
"""CPU time that workerd may take without answering; less than Cloudflare's, because everybody waits meanwhile."""
STARTUP_SECONDS = 4.0
"""CPU time to begin with, and one second, Cloudflare's limit, for each version."""
BASE_BYTES = 512 * 2**20
WORKER_BYTES = 128 * 2**20
"""Memory that workerd may take: for itself, and for each version that runs."""
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


async def exceeded(pid: int, alive_socket: str, versions: int) -> str:
    """Returns what a process has too much of, once it has; for ever, if it never does."""
    most = BASE_BYTES + versions * WORKER_BYTES
    asking = asyncio.create_task(_ask(alive_socket))
    since = cpu_seconds(pid)
    try:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if (taken := memory_bytes(pid)) > most:
                return f"{taken // 2**20} MB of memory, of {most // 2**20}"
            now = cpu_seconds(pid)
            if asking.done():
                asking, since = asyncio.create_task(_ask(alive_socket)), now
            elif now - since > CPU_SECONDS:
                return f"{now - since:.0f} s of CPU time without an answer, of {CPU_SECONDS:.0f}"
    finally:
        asking.cancel()


async def startup_exceeded(pid: int, versions: int) -> None:
    """Returns once a process that has yet to listen has taken more CPU time than its Workers may for their start."""
    while cpu_seconds(pid) <= STARTUP_SECONDS + versions:
        await asyncio.sleep(LOOK_SECONDS)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process; 0 once it is gone."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / TICKS
    return 0.0


def memory_bytes(pid: int) -> int:
    """Resident memory of a process; 0 once it is gone."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return 0


async def _ask(socket: str) -> None:
    """Returns once something answers on a Unix socket."""
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_unix_connection(socket)
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            await reader.read(1)
        finally:
            writer.close()
