"""Whether the servers that an update would make can be had, said before it makes the first of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.preflight.hetzner import Offer
from components.settings.errors import Problem

ALTERNATIVES = 4


@dataclass(frozen=True)
class Wanted:
    """Servers of one type that the program declares."""

    key: str
    """The setting that chooses the type."""
    server_type: str
    names: tuple[str, ...]
    default: str = ""
    """What the setting is when nobody sets it: a type that is large enough for these servers."""


def unavailable(
    wanted: Iterable[Wanted],
    location: str,
    offers: Sequence[Offer],
    existing: Mapping[str, str],
    stack: str,
) -> list[Problem]:
    """Problems with the types of servers that are yet to be made, or are to change to another type.

    `existing`: type by name of the servers that are there. A server that is there already keeps running whatever
    happens to its type, so a type that went off sale must not stop an update that makes none of it.
    """
    problems = []
    for group in wanted:
        changing = [name for name in group.names if existing.get(name) != group.server_type]
        if not changing:
            continue
        here = [offer for offer in offers if offer.name == group.server_type and offer.location == location]
        if any(offer.available for offer in here):
            continue
        known = any(offer.name == group.server_type for offer in offers)
        rule = f"is not to be had in {location} now" if known else "is not a server type of Hetzner Cloud"
        better = alternatives(group.server_type, location, offers, group.default)
        elsewhere = sorted(
            {offer.location for offer in offers if offer.name == group.server_type and offer.available} - {location}
        )
        if better:
            rule += f"; in {location} there are {', '.join(better)}"
        if elsewhere:
            rule += f"; {group.server_type} is to be had in {', '.join(elsewhere)}"
        if len(changing) < len(group.names):
            rule += f" (needed for {', '.join(changing)})"
        instead = better[0] if better else "TYPE"
        problems.append(
            Problem(group.key, group.server_type, rule, f"pulumi config set {group.key} {instead} --stack {stack}")
        )
    return problems


def alternatives(server_type: str, location: str, offers: Sequence[Offer], default: str = "") -> list[str]:
    """Types on sale in `location` that are at least as large, of the same architecture, smallest first.

    A type that is none says nothing of its size: then `default` is what is large enough, and the first of the answers
    while it is on sale.
    """
    known = {offer.name: offer for offer in offers}
    asked = known.get(server_type) or known.get(default)
    cores, memory, architecture = (asked.cores, asked.memory, asked.architecture) if asked else (2, 4.0, "x86")
    fitting = {
        (offer.name != default or server_type in known, offer.dedicated, offer.memory, offer.cores, offer.name)
        for offer in offers
        if offer.available
        and offer.location == location
        and offer.architecture == architecture
        and offer.name != server_type
        and offer.cores >= cores
        and offer.memory >= memory
    }
    return [name for *_, name in sorted(fitting)][:ALTERNATIVES]
