"""The metadata service of servers, answered by the address that asks (http://169.254.169.254/hetzner/v1/…).

Paths and shapes are those of the API's reference, section "Server Metadata".
"""

from __future__ import annotations

import asyncio
from ipaddress import AddressValueError, IPv4Address

import yaml

from localcloud.machines import network, record
from localcloud.machines.instance import Instance
from localcloud.machines.interface import MachineError

ZONES = {
    "fsn1": "fsn1-dc14",
    "nbg1": "nbg1-dc3",
    "hel1": "hel1-dc2",
    "ash": "ash-dc1",
    "hil": "hil-dc1",
    "sin": "sin-dc1",
}
REGIONS = {"ash": "us-east", "hil": "us-west", "sin": "ap-southeast"}
"""Network zone of a location; every other is in ``eu-central``."""


def find(instance: Instance, source: IPv4Address) -> record.Record | None:
    """The server whose public address is ``source``."""
    for server_id in record.server_ids(instance):
        try:
            found = record.read(instance.server_folder(server_id))
        except MachineError:
            continue  # deleted since it was listed
        if found.spec.public_ipv4 == source:
            return found
    return None


def private_networks(instance: Instance, server: record.Record) -> list[dict[str, object]]:
    """What ``private-networks`` says, in the order of the interfaces."""
    entries: list[dict[str, object]] = []
    for position, nic in sorted(server.nics.items()):
        spec = network.load(instance, nic.network_id)
        entries.append(
            {
                "ip": str(nic.ip),
                "alias_ips": [str(alias) for alias in nic.alias_ips],
                "interface_num": position + 1,
                "mac_address": nic.mac,
                "network_id": nic.network_id,
                "network_name": spec.name,
                "network": str(spec.ip_range),
                "subnet": str(nic.subnet or spec.ip_range),
                "gateway": str(spec.ip_range[1]),
            }
        )
    return entries


def answer(instance: Instance, server: record.Record, path: str) -> str | None:
    """Body for a path; None where there is nothing."""
    spec = server.spec
    summary: dict[str, object] = {
        "availability-zone": ZONES.get(spec.location, f"{spec.location}-dc1"),
        "hostname": spec.name,
        "instance-id": spec.id,
        "public-ipv4": str(spec.public_ipv4 or ""),
        "region": REGIONS.get(spec.location, "eu-central"),
    }
    root, _, rest = path.strip("/").removeprefix("hetzner/v1/").partition("/")
    if not path.startswith("/hetzner/v1/"):
        return None
    if root == "userdata" and not rest:
        return spec.user_data or None
    if root != "metadata":
        return None
    if not rest:
        return yaml.safe_dump(summary, sort_keys=True)
    if rest == "private-networks":
        return yaml.safe_dump(private_networks(instance, server), sort_keys=False, default_flow_style=None)
    return str(summary[rest]) if rest in summary else None


async def serve(instance: Instance, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request of one connection."""
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        source = IPv4Address(writer.get_extra_info("peername")[0])
        server = await asyncio.to_thread(find, instance, source)
        body = answer(instance, server, path.split("?")[0]) if server and method in ("GET", "HEAD") else None
        status = "200 OK" if body is not None else "404 Not Found"
        data = (body if body is not None else "not found\n").encode()
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode()
        )
        if method != "HEAD":
            writer.write(data)
        await writer.drain()
    except (TimeoutError, ValueError, AddressValueError, OSError, asyncio.IncompleteReadError, MachineError):
        return
    finally:
        writer.close()
