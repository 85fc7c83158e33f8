"""Pass connections of machines on to where they meant to go, from the host's own side.

The hub's rules hand every connection to ports 80 and 443 outside to a relay; where it was meant to go is asked of the
kernel. Nothing of the host itself can be reached this way.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from ipaddress import IPv4Address

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
SO_ORIGINAL_DST = 80
CONNECT_TIMEOUT = 20.0
CHUNK = 256 * 1024


def original_destination(writer: asyncio.StreamWriter) -> tuple[str, int]:
    """Address and port that the machine connected to, before the hub's rule redirected it."""
    accepted: socket.socket = writer.get_extra_info("socket")
    raw = accepted.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
    port, packed = struct.unpack("!2xH4s8x", raw)
    return socket.inet_ntoa(packed), int(port)


def is_of_host(address: str) -> bool:
    """Whether the address is one of the host's own: services of the host are not for machines."""
    if IPv4Address(address).is_loopback or IPv4Address(address).is_unspecified:
        return True
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


async def connect(address: str, port: int) -> Stream:
    """A connection from the host to an address outside; OSError where there is none."""
    if is_of_host(address):
        raise ConnectionRefusedError(f"{address} is an address of the host")
    return await asyncio.wait_for(asyncio.open_connection(address, port, limit=CHUNK), CONNECT_TIMEOUT)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.close()


async def splice(one: Stream, other: Stream) -> None:
    """Copy both ways until both ends are done, then close both."""
    try:
        await asyncio.gather(_pump(one[0], other[1]), _pump(other[0], one[1]))
    finally:
        one[1].close()
        other[1].close()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass one connection on as it is (TLS)."""
    try:
        address, port = original_destination(writer)
        if writer.get_extra_info("sockname")[1] == port:
            raise ConnectionRefusedError("the relay was spoken to directly")
        upstream = await connect(address, port)
    except OSError:
        writer.close()
        return
    await splice((reader, writer), upstream)
