"""DNS for machines: their questions are put to the host's own resolvers, as the host has them at that moment.

A relay, and not the host's resolver addresses written into machines: those can be loopback addresses, and change when
a laptop changes networks.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import cast

from localcloud.machines.relay import splice

TIMEOUT = 4.0
"""Seconds to wait for one resolver before the next is asked."""


def host_resolvers(path: Path = Path("/etc/resolv.conf")) -> list[str]:
    """Addresses of the host's name servers, in order."""
    found = []
    for line in path.read_text().splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                found.append(str(ip_address(words[1].split("%")[0])))
            except ValueError:
                continue
    return found


async def ask(question: bytes) -> bytes | None:
    """The answer of the first resolver that gives one."""
    loop = asyncio.get_running_loop()
    for address in host_resolvers():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as upstream:
            upstream.setblocking(False)
            try:
                await loop.sock_connect(upstream, (address, 53))
                await loop.sock_sendall(upstream, question)
                return await asyncio.wait_for(loop.sock_recv(upstream, 65535), TIMEOUT)
            except OSError:  # TimeoutError is one
                continue
    return None


class Relay(asyncio.DatagramProtocol):
    """Answers datagrams on one of the resolvers' addresses."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not checked: before Python 3.12 the loop's own transport is no instance of the class that it implements.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(data, source))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, question: bytes, source: tuple[str, int]) -> None:
        reply = await ask(question)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, source)


async def serve_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a connection (large answers come by TCP)."""
    for address in host_resolvers():
        try:
            upstream = await asyncio.wait_for(asyncio.open_connection(address, 53), TIMEOUT)
        except OSError:
            continue
        await splice((reader, writer), upstream)
        return
    writer.close()
