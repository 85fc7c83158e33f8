"""The cache server: Redis twice, so that clearing the cache can never touch a session or a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from urllib.parse import quote

import pulumi

from components.role import Role, RoleArgs
from components.server import Server

BOOTSTRAP = Path(__file__).parent / "bootstrap"
DURABLE_PORT = 6379
CACHE_PORT = 6380


@dataclass(frozen=True)
class CacheArgs:
    server: Server
    durable_password: pulumi.Output[str]
    """Secret."""
    cache_password: pulumi.Output[str]
    """Secret."""
    clients: Sequence[IPv4Network]
    """Who may connect; nobody else gets past the server's nftables."""


class Cache(pulumi.ComponentResource):
    """`durable` (sessions, queues, workflows, locks; never evicts) and `cache` on one server, private network only.

    Addresses are host:port, URLs secret. `done` changes when the server was made anew.
    """

    durable_address: str
    cache_address: str
    durable_url: pulumi.Output[str]
    cache_url: pulumi.Output[str]
    done: pulumi.Output[str]

    def __init__(self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:Cache", name, None, opts)
        server = args.server
        role = Role(
            f"{name}-role",
            RoleArgs(
                connection=server.connection,
                folder=BOOTSTRAP,
                server_id=server.id,
                variables={"address": server.private_ip, "clients": [str(network) for network in args.clients]},
                secrets={"durable_password": args.durable_password, "cache_password": args.cache_password},
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[server.ready]),
        )
        self.durable_address = f"{server.private_ip}:{DURABLE_PORT}"
        self.cache_address = f"{server.private_ip}:{CACHE_PORT}"
        self.durable_url = _url(args.durable_password, self.durable_address)
        self.cache_url = _url(args.cache_password, self.cache_address)
        self.done = role.done
        self.register_outputs(
            {"durableAddress": self.durable_address, "cacheAddress": self.cache_address, "done": self.done}
        )


def _url(password: pulumi.Output[str], address: str) -> pulumi.Output[str]:
    return password.apply(lambda text: f"redis://:{quote(text, safe='')}@{address}")
