"""What Hetzner Cloud says before anything is declared: the types on sale, and what this environment has already."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import pulumi
import pulumi_hcloud as hcloud

from components.labels import selector

T = TypeVar("T")


@dataclass(frozen=True)
class Offer:
    """A server type as it is sold in one location."""

    name: str
    location: str
    cores: int
    memory: float
    """GB."""
    architecture: str
    dedicated: bool
    available: bool
    """Whether a server of this type can be had there now."""


@dataclass(frozen=True)
class Existing:
    """What the environment has in the account now."""

    server_types: dict[str, str]
    """Type of each server by name."""
    balancer_targets: int
    """Targets of its load balancer; 0 when there is none."""


def offers() -> list[Offer]:
    """Every server type in every location that lists it. Raises RunError when the API does not answer."""
    found = _ask("the server types", lambda: hcloud.get_server_types().server_types)
    return [
        Offer(
            name=kind.name,
            location=location.name,
            cores=kind.cores,
            memory=kind.memory,
            architecture=kind.architecture,
            dedicated=kind.cpu_type == "dedicated",
            # A type that is announced as deprecated is still sold until it is not available.
            available=location.available,
        )
        for kind in found
        for location in kind.locations
    ]


def existing(environment: str) -> Existing:
    """What carries the environment's labels. Raises RunError when the API does not answer."""
    query = selector(environment)
    servers = _ask("the servers", lambda: hcloud.get_servers(with_selector=query).servers)
    balancers = _ask("the load balancers", lambda: hcloud.get_load_balancers(with_selector=query).load_balancers)
    return Existing(
        server_types={server.name: server.server_type for server in servers},
        balancer_targets=max((len(balancer.targets) for balancer in balancers), default=0),
    )


def _ask(what: str, question: Callable[[], T]) -> T:
    """The answer, or one plain line about why there is none."""
    try:
        return question()
    except Exception as error:  # an invoke fails with a bare Exception around the provider's message
        raise pulumi.RunError(f"Hetzner Cloud was asked for {what} and gave none: {reason(error)}") from None


def reason(error: Exception) -> str:
    """The provider's own message: without what the engine puts in front, on one line."""
    text = " ".join(str(error).split())
    return re.sub(r"^invoke of \S+ failed: (invocation of \S+ returned an error: )?", "", text)
