"""Requests about servers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from localcloud.hetzner.fields import Body, Hostname, Ipv4, Ipv4Cidr, Labels, Reference, Update

MAX_USER_DATA = 32 * 1024


def _user_data(text: str) -> str:
    if len(text.encode()) > MAX_USER_DATA:
        raise ValueError("is limited to 32KiB")
    return text


UserData = Annotated[str, AfterValidator(_user_data)]


class FirewallReference(Body):
    firewall: int


class PublicNet(Body):
    enable_ipv4: bool = True
    enable_ipv6: bool = True
    ipv4: int | None = None
    ipv6: int | None = None


class CreateServer(Body):
    name: Hostname
    server_type: Reference
    image: Reference
    location: Reference | None = None
    start_after_create: bool | None = None
    placement_group: int | None = None
    ssh_keys: list[Reference] | None = None
    volumes: list[int] | None = None
    networks: list[int] | None = None
    firewalls: list[FirewallReference] | None = None
    user_data: UserData | None = None
    labels: Labels | None = None
    automount: bool | None = None
    public_net: PublicNet | None = None


class UpdateServer(Update):
    name: Hostname | None = None


class ChangeServerProtection(Body):
    delete: bool | None = None
    rebuild: bool | None = None


class AttachToNetwork(Body):
    network: int
    ip: Ipv4 | None = None
    alias_ips: list[Ipv4] | None = None
    ip_range: Ipv4Cidr | None = None


class ChangeAliasIps(Body):
    network: int
    alias_ips: list[Ipv4]


class DetachFromNetwork(Body):
    network: int


class ChangeType(Body):
    server_type: Reference
    upgrade_disk: bool


class AddToPlacementGroup(Body):
    placement_group: int


class Rebuild(Body):
    image: Reference
    user_data: UserData | None = None


class CreateImage(Body):
    type: Literal["snapshot", "backup"] | None = None
    description: str | None = Field(default=None, max_length=1024)
    labels: Labels | None = None


class EnableRescue(Body):
    type: Literal["linux64"] | None = None
    ssh_keys: list[Reference] | None = None


class AttachIso(Body):
    iso: Reference
