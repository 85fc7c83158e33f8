"""One embedded cloud on this host: its identifier, the names it gives to host-wide things, and its address ranges.

Several may run at once, each with a home of its own. Every name that is visible host-wide carries the identifier, so
that none touches another's things and what one left behind can be found and removed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path

from localcloud.machines.commands import run
from localcloud.machines.interface import MachineError

PUBLIC_RANGE = IPv4Network("198.18.0.0/16")
"""RFC 2544's benchmarking range: never routed on the internet, hardly ever used on a laptop."""
LEG_RANGE = IPv4Network("198.19.0.0/16")
GATEWAY = IPv4Address("172.31.1.1")
"""The gateway of every public interface at Hetzner."""
METADATA = IPv4Address("169.254.169.254")
RESOLVERS = (IPv4Address("185.12.64.1"), IPv4Address("185.12.64.2"))
"""Hetzner's recursive resolvers; here addresses of the hub, which asks the host's resolver."""


def identifier(home: Path) -> str:
    """Six hexadecimal digits from the home's absolute path."""
    return hashlib.sha256(str(home.absolute()).encode()).hexdigest()[:6]


def choose_block(instance: str, taken: Iterable[IPv4Network]) -> int:
    """Third octet of the instance's public /24: by hash of the identifier, past those that overlap ``taken``."""
    used = tuple(taken)
    first = int(instance, 16) % 256
    for step in range(256):
        block = (first + step) % 256
        ranges = (public_block(block), leg_block(block))
        if not any(one.overlaps(other) for one in ranges for other in used):
            return block
    raise MachineError(f"all of {PUBLIC_RANGE} is in use by routes of this host: no range is left for the machines")


def public_block(block: int) -> IPv4Network:
    return IPv4Network(f"198.18.{block}.0/24")


def leg_block(block: int) -> IPv4Network:
    """The host's end of the leg is the first, the hub's end the second address."""
    return IPv4Network(f"198.19.{block}.0/31")


def host_routes(leave_out: str) -> list[IPv4Network]:
    """Ranges that the host has a route to, other than its default and those through the interface ``leave_out``."""
    ranges = []
    routes: list[dict[str, object]] = json.loads(run(["ip", "-j", "-4", "route", "show", "table", "main"]) or "[]")
    ours = {str(route["dst"]) for route in routes if route.get("dev") == leave_out}
    for route in routes:
        target = str(route.get("dst", ""))
        if target not in {"", "default"} and target not in ours:
            ranges.append(IPv4Network(target, strict=False))
    return ranges


@dataclass(frozen=True)
class Instance:
    """Names and places of one embedded cloud. ``block`` selects its address ranges."""

    home: Path
    cache: Path
    id: str
    block: int

    @property
    def folder(self) -> Path:
        """Where the machine layer keeps its own state."""
        return self.home / "machines"

    @property
    def run_folder(self) -> Path:
        """Sockets of running processes."""
        return Path("/run/localcloud") / self.id

    @property
    def public_ipv4(self) -> IPv4Network:
        return public_block(self.block)

    @property
    def public_ipv6(self) -> IPv6Network:
        return IPv6Network(f"fd5c:{self.id[:4]}:{self.id[4:]}00::/48")

    @property
    def leg_host(self) -> IPv4Address:
        return leg_block(self.block)[0]

    @property
    def leg_hub(self) -> IPv4Address:
        return leg_block(self.block)[1]

    @property
    def leg(self) -> str:
        """Name of the host's interface of the leg."""
        return f"lc{self.id}"

    @property
    def prefix(self) -> str:
        """What the names of namespaces and control groups start with."""
        return f"lc-{self.id}"

    @property
    def hub(self) -> str:
        return self.prefix

    def server_namespace(self, server_id: int) -> str:
        return f"{self.prefix}-s{server_id}"

    def network_namespace(self, network_id: int) -> str:
        return f"{self.prefix}-n{network_id}"

    def balancer_namespace(self, load_balancer_id: int) -> str:
        return f"{self.prefix}-l{load_balancer_id}"

    def server_folder(self, server_id: int) -> Path:
        return self.folder / "servers" / str(server_id)

    def owns_namespace(self, name: str) -> bool:
        return name == self.hub or name.startswith(f"{self.prefix}-")


def load(home: Path, cache: Path) -> Instance:
    """The instance of ``home``; its address block is chosen once and kept, since servers carry its addresses."""
    home, cache = home.absolute(), cache.absolute()
    name = identifier(home)
    kept = home / "machines" / "instance.json"
    try:
        block = int(json.loads(kept.read_text())["block"])
    except (OSError, ValueError, KeyError):
        block = choose_block(name, host_routes(f"lc{name}"))
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"id": name, "block": block}))
    return Instance(home, cache, name, block)
