"""Which private address each server has: planned, so that it is known before anything runs and never moves.

Offsets from the first address of the network's range, 10.0.0.0/16 for example:

    10.0.1.0/24  Medusa      instance i at .(10 + i): 10.0.1.11 … 10.0.1.160
    10.0.2.0/24  PostgreSQL  10.0.2.10
    10.0.3.0/24  Redis       10.0.3.10
    10.0.4.0/24  balancer    10.0.4.10

An address depends on an instance's own number only: others that come or go move nothing. The first address of a
range is its gateway (Hetzner keeps it), hence the offset.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from components.settings.sizes import MAX_INSTANCES

SUBNET_PREFIX = 24
FIRST = 10
"""Offset in a subnet of a role's single server."""


class AddressPlan:
    """The plan of one network. `network_range`: private, /21 or larger (settings check it)."""

    def __init__(self, network_range: IPv4Network) -> None:
        if network_range.prefixlen > 21:
            raise ValueError(f"{network_range} is too small for the subnets; the smallest that fits them is a /21")
        self.network_range = network_range
        self.medusa_subnet = self._subnet(1)
        self.database_subnet = self._subnet(2)
        self.redis_subnet = self._subnet(3)
        self.balancer_subnet = self._subnet(4)

    def medusa(self, number: int) -> IPv4Address:
        """Address of Medusa instance `number`, from 1. Raises ValueError outside 1 to MAX_INSTANCES."""
        if not 1 <= number <= MAX_INSTANCES:
            raise ValueError(f"there is no address for Medusa instance {number}: instances are 1 to {MAX_INSTANCES}")
        return self.medusa_subnet[FIRST + number]

    @property
    def database(self) -> IPv4Address:
        return self.database_subnet[FIRST]

    @property
    def redis(self) -> IPv4Address:
        return self.redis_subnet[FIRST]

    @property
    def balancer(self) -> IPv4Address:
        return self.balancer_subnet[FIRST]

    def _subnet(self, index: int) -> IPv4Network:
        first = self.network_range.network_address + index * 2 ** (32 - SUBNET_PREFIX)
        return IPv4Network((first, SUBNET_PREFIX))
