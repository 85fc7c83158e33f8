"""Requests about networks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from localcloud.hetzner.fields import Body, Ipv4, Ipv4Cidr, Labels, Name, Update


class Subnet(Body):
    type: Literal["cloud", "server", "vswitch"]
    network_zone: str
    ip_range: Ipv4Cidr | None = None
    vswitch_id: int | None = None


class NetworkRoute(Body):
    destination: Ipv4Cidr
    gateway: Ipv4


class CreateNetwork(Body):
    name: Name
    ip_range: Ipv4Cidr
    labels: Labels | None = None
    subnets: list[Subnet] | None = None
    routes: list[NetworkRoute] | None = Field(default=None, max_length=100)
    expose_routes_to_vswitch: bool | None = None


class UpdateNetwork(Update):
    expose_routes_to_vswitch: bool | None = None


class DeleteSubnet(Body):
    ip_range: Ipv4Cidr


class ChangeIpRange(Body):
    ip_range: Ipv4Cidr
