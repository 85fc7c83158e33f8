"""Where public addresses come from, and primary IPs that come and go with their servers and load balancers."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Network
from typing import Literal

from localcloud.hetzner.actionlog import now
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError
from localcloud.hetzner.routing import Call
from localcloud.hetzner.store import Row, Transaction

Kind = Literal["ipv4", "ipv6"]


def allocate(cloud: Cloud, tx: Transaction, kind: Kind) -> str:
    """A free address (``198.18.7.20`` or ``2001:db8:0:7::/64``), going round the pool.

    One given back is so used again as late as possible, which keeps caches (ARP, known_hosts, DNS) from lying.
    """
    taken = {row["ip"] for row in tx.all("primary_ip")}
    if kind == "ipv4":
        pool = cloud.machines.public_ipv4_pool
        first, count = 2, pool.num_addresses - 3
    else:
        pool6 = cloud.machines.public_ipv6_pool
        first, count = 1, 2 ** (64 - pool6.prefixlen) - 1
    cursor = int(tx.get_meta(f"next_{kind}", 0))
    for step in range(count):
        offset = first + (cursor + step) % count
        if kind == "ipv4":
            address = str(IPv4Address(int(pool.network_address) + offset))
        else:
            address = str(IPv6Network((int(pool6.network_address) + (offset << 64), 64)))
        if address not in taken:
            tx.set_meta(f"next_{kind}", (cursor + step + 1) % count)
            return address
    raise ApiError("resource_unavailable", f"no {kind} address is left in this cloud's pool")


def create(
    cloud: Cloud,
    tx: Transaction,
    kind: Kind,
    location: str,
    name: str | None = None,
    labels: dict[str, str] | None = None,
    auto_delete: bool = False,
    assignee: tuple[str, int] | None = None,
) -> Row:
    """A new primary IP; one that is made for an ``assignee`` (kind and id) is named after its own id."""
    cloud.check_limit(tx, "primary_ip")
    row = tx.add(
        "primary_ip",
        {
            "name": name,
            "type": kind,
            "ip": allocate(cloud, tx, kind),
            "location": location,
            "labels": labels or {},
            "created": now(),
            "blocked": False,
            "auto_delete": auto_delete,
            "assignee_type": assignee[0] if assignee else "unassigned",
            "assignee_id": assignee[1] if assignee else None,
            "protection": {"delete": False},
            "dns_ptr": {},
        },
    )
    if name is None:
        row["name"] = f"primary_ip-{row['id']}"
    return row


def claim(call: Call, number: int, kind: Kind, location: str, assignee: tuple[str, int]) -> None:
    """Give an existing primary IP to an assignee (kind and id) in that location; raises if it is none for it."""
    ip = call.find("primary_ip", number)
    if ip["type"] != kind:
        raise ApiError("primary_ip_version_mismatch", f"primary IP {number} is not of type {kind}")
    if ip["assignee_id"] is not None:
        raise ApiError("primary_ip_assigned", f"primary IP {number} is already assigned")
    if ip["location"] != location:
        noun = assignee[0].replace("_", " ")
        text = f"primary IP {number} is in {ip['location']}, the {noun} in {location}"
        raise ApiError("primary_ip_datacenter_mismatch", text)
    call.tx.edit("primary_ip", number).update(assignee_type=assignee[0], assignee_id=assignee[1])


def release(tx: Transaction, assignee: tuple[str, int]) -> None:
    """Let go of an assignee that is deleted: its primary IPs are deleted too, or left unassigned."""
    for row in tx.all("primary_ip"):
        if (row["assignee_type"], row["assignee_id"]) != assignee:
            continue
        if row["auto_delete"]:
            tx.remove("primary_ip", row["id"])
        else:
            tx.edit("primary_ip", row["id"]).update(assignee_type="unassigned", assignee_id=None)
