"""What the types of Hetzner's load balancers hold, and which one a number of instances needs.

Source: the Cloud API's load balancer types (max_targets, max_services, max_assigned_certificates), November 2026.
"""

from __future__ import annotations

from typing import NamedTuple


class BalancerType(NamedTuple):
    name: str
    targets: int
    services: int
    certificates: int


BALANCER_TYPES = (
    BalancerType("lb11", targets=25, services=5, certificates=10),
    BalancerType("lb21", targets=75, services=15, certificates=25),
    BalancerType("lb31", targets=150, services=30, certificates=50),
)
"""Smallest first."""

MAX_INSTANCES = BALANCER_TYPES[-1].targets


def smallest_balancer(targets: int, services: int = 1, certificates: int = 0) -> BalancerType:
    """The smallest type that holds all three numbers.

    Raises ValueError, naming the limit, when no type does.
    """
    for kind in BALANCER_TYPES:
        if targets <= kind.targets and services <= kind.services and certificates <= kind.certificates:
            return kind
    largest = BALANCER_TYPES[-1]
    raise ValueError(
        f"no load balancer holds {targets} targets, {services} services and {certificates} certificates; the largest, "
        f"{largest.name}, holds {largest.targets}, {largest.services} and {largest.certificates}"
    )


def balancer_type(name: str) -> BalancerType:
    """The type of that name. Raises ValueError when there is none."""
    for kind in BALANCER_TYPES:
        if kind.name == name:
            return kind
    raise ValueError(f"there is no load balancer type {name}; there are {', '.join(k.name for k in BALANCER_TYPES)}")
