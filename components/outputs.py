"""What a stack shows to people and to the operators' commands; two values are secret: shown only when asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pulumi

from components.admin_access import AdminAccess
from components.backups import Backups
from components.server import Server
from components.ssh_access import PORT, USER

Shown = dict[str, Any]


def key_pair(backups: Backups) -> pulumi.Output[Shown]:
    """What S3 clients reach the backups' bucket with; secret."""
    return pulumi.Output.secret({"accessKeyId": backups.access_key_id, "secretAccessKey": backups.secret_access_key})


def service_token(access: AdminAccess) -> pulumi.Output[Shown]:
    """What a program sends to pass Access; secret."""
    return pulumi.Output.secret({"clientId": access.client_id, "clientSecret": access.client_secret})


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
