"""What a stack shows to people and to the operators' commands. No secret is among it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pulumi

from components.server import Server
from components.settings import Settings
from components.ssh_access import PORT, USER

Shown = dict[str, Any]


def api_url(settings: Settings, balancer_address: pulumi.Output[str]) -> pulumi.Output[str]:
    """https://HOST where that is reached at the usual port, else http://ADDRESS of the load balancer."""
    if settings.public_port == 443:
        return pulumi.Output.from_input(f"https://{settings.api_host}")
    return pulumi.Output.concat("http://", balancer_address)


def instance(server: Server) -> Shown:
    return {
        "name": server.name,
        "address": server.public_ipv4,
        "privateAddress": server.private_ip,
        "serverType": server.server_type,
        "location": server.location,
    }


def ssh_host(server: Server) -> Shown:
    """What an entry of ~/.ssh/config and one of known_hosts need."""
    return {
        "hostName": server.public_ipv4,
        "user": USER,
        "port": PORT,
        "hostKey": server.host_key_public,
        "privateAddress": server.private_ip,
    }


def ssh_hosts(servers: Iterable[Server]) -> dict[str, Shown]:
    """By alias: medusa-prod, medusa-prod-2, postgres-prod, redis-prod."""
    return {server.alias: ssh_host(server) for server in servers}
