"""Reverse DNS entries of public addresses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network

from localcloud.hetzner.errors import ApiError, invalid
from localcloud.hetzner.fields import HOST_LABEL
from localcloud.hetzner.store import Row, Transaction


def default_ptr(ip: str) -> str:
    """The name that an IPv4 address has until somebody gives it another one."""
    return f"static.{'.'.join(reversed(ip.split('.')))}.clients.your-server.de"


def pointers(primary_ip: Row) -> list[Row]:
    """All entries of a primary IP; an IPv4 address always has one."""
    entries: dict[str, str] = primary_ip["dns_ptr"]
    if primary_ip["type"] == "ipv4":
        ip = primary_ip["ip"]
        return [{"ip": ip, "dns_ptr": entries.get(ip, default_ptr(ip))}]
    return [{"ip": ip, "dns_ptr": name} for ip, name in sorted(entries.items())]


def change(tx: Transaction, candidates: list[Row], ip: str, name: str | None) -> None:
    """Set the entry of ``ip`` in the primary IP it belongs to; None resets it. Raises 422 for a foreign address."""
    if name is not None and not all(HOST_LABEL.fullmatch(label) for label in name.rstrip(".").split(".")):
        raise invalid("dns_ptr", "must be a valid hostname")
    for row in candidates:
        address = _inside(row, ip)
        if address is not None:
            entries = tx.edit("primary_ip", row["id"])["dns_ptr"]
            entries.pop(address, None)
            if name is not None:
                entries[address] = name
            return
    raise ApiError("invalid_input", f"ip {ip} does not belong to the resource", {"fields": [
        {"name": "ip", "messages": ["does not belong to the resource"]}
    ]})  # fmt: skip


def _inside(primary_ip: Row, ip: str) -> str | None:
    try:
        if primary_ip["type"] == "ipv4":
            return str(IPv4Address(ip)) if ip == primary_ip["ip"] else None
        address = IPv6Address(ip)
    except ValueError:
        return None
    return str(address) if address in IPv6Network(primary_ip["ip"]) else None
