"""Firewalls of servers: nftables in the hub, on the way to and from each public interface.

Stateful, as at Hetzner: what belongs to a connection that was let through passes. Private traffic never comes here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network

from localcloud.machines.commands import run, succeeds
from localcloud.machines.instance import METADATA, Instance
from localcloud.machines.interface import FirewallRule


def _matches(rule: FirewallRule) -> Iterable[str]:
    """The addresses of a rule as nft expressions, one for each address family that it has."""
    side = "saddr" if rule.direction == "in" else "daddr"
    networks = [ipaddress.ip_network(cidr, strict=False) for cidr in rule.cidrs]
    v4 = list(ipaddress.collapse_addresses(one for one in networks if isinstance(one, IPv4Network)))
    v6 = list(ipaddress.collapse_addresses(one for one in networks if isinstance(one, IPv6Network)))
    for family, nfproto, members in (("ip", "ipv4", v4), ("ip6", "ipv6", v6)):
        if any(one.prefixlen == 0 for one in members):
            yield f"meta nfproto {nfproto}"
        elif members:
            yield f"{family} {side} {{ {', '.join(map(str, members))} }}"


def _protocol(rule: FirewallRule) -> str:
    if rule.protocol == "icmp":
        return "meta l4proto { icmp, ipv6-icmp }"
    if rule.protocol in ("esp", "gre"):
        return f"meta l4proto {rule.protocol}"
    return f"{rule.protocol} dport {rule.port}" if rule.port else f"meta l4proto {rule.protocol}"


def chain(rules: Sequence[FirewallRule] | None, direction: str) -> list[str]:
    """nft statements of the chain for one direction of one server; no statement lets everything pass.

    Without a rule for a direction, nothing comes in and everything goes out.
    """
    if rules is None:
        return []
    own = [rule for rule in rules if rule.direction == direction]
    if direction == "out":
        if not own:
            return []
        first = [f"ip daddr {METADATA} accept"]
    else:
        first = []
    return [*first, *(f"{match} {_protocol(rule)} accept" for rule in own for match in _matches(rule)), "drop"]


def script(port: str, rules: Sequence[FirewallRule] | None) -> str:
    """An nft script that makes the rules of the hub's ``port`` those given, in one transaction."""
    lines = []
    for prefix, name, direction in (("in", "inward", "in"), ("out", "outward", "out")):
        lines += [f"add chain inet lc {prefix}_{port}", f"flush chain inet lc {prefix}_{port}"]
        lines += [f"add rule inet lc {prefix}_{port} {statement}" for statement in chain(rules, direction)]
        lines.append(f'add element inet lc {name} {{ "{port}" : jump {prefix}_{port} }}')
    return "".join(f"{line}\n" for line in lines)


def _nft(instance: Instance) -> list[str]:
    return ["nsenter", f"--net=/run/netns/{instance.hub}", "nft", "-f", "-"]


def apply(instance: Instance, port: str, rules: Sequence[FirewallRule] | None) -> None:
    run(_nft(instance), stdin=script(port, rules))


def remove(instance: Instance, port: str) -> None:
    """Forget the port's rules."""
    elements = "".join(f'delete element inet lc {name} {{ "{port}" }}\n' for name in ("inward", "outward"))
    if succeeds(_nft(instance), stdin=elements):
        succeeds(_nft(instance), stdin=f"delete chain inet lc in_{port}\ndelete chain inet lc out_{port}\n")
