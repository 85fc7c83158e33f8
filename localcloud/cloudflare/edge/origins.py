"""Where an origin is; pure. Nothing here leads off this machine."""

from __future__ import annotations

import ipaddress

from localcloud.cloudflare.edge.routing import Table
from localcloud.cloudflare.edge.upstream import OriginError

MACHINES = (ipaddress.ip_network("198.18.0.0/15"),)
"""Public addresses of the embedded cloud's machines (RFC 2544 keeps them off the internet)."""
MAX_ALIASES = 8


def literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host of a URL is, None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether a host of a URL is this machine itself, and no name below ``localhost``."""
    found = literal(host)
    return host == "localhost" if found is None else found.is_loopback


def address(table: Table, content: str) -> str:
    """The address to connect to for a record's content; names are looked up in the account's own records.

    :raises OriginError: 523 for an address that is not of this machine, 530 with 1016 for a name nobody knows.
    """
    name = content.rstrip(".").lower()
    for _ in range(MAX_ALIASES):
        found = literal(name)
        if found is not None:
            if found.is_loopback or any(found in network for network in MACHINES):
                return str(found)
            raise OriginError(523, 523, "Origin is unreachable")
        if name == "localhost":
            return "127.0.0.1"
        record = table.record(name)
        if record is None:
            break
        name = record.content.rstrip(".").lower()
    raise OriginError(530, 1016, "Origin DNS error")
