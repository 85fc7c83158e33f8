"""The database: a volume that outlives its server, and PostgreSQL on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from urllib.parse import quote

import pulumi
import pulumi_hcloud as hcloud

from components.labels import labels
from components.network import Part
from components.resource_ids import as_int
from components.role import Role, RoleArgs
from components.server import Server

BOOTSTRAP = Path(__file__).parent / "bootstrap"
PORT = 5432


@dataclass(frozen=True)
class DatabaseArgs:
    server: Server
    environment: str
    name: str
    user: str
    password: pulumi.Output[str]
    """Secret."""
    volume_size: int
    """GB; it only grows."""
    clients: Sequence[IPv4Network]
    """Who may connect; nobody else gets past the server's nftables."""
    protect: bool = True


class Database(pulumi.ComponentResource):
    """PostgreSQL with one database and one role, on the private network only.

    `address` is host:port. `url` is secret, percent-encoded. `done` changes when the server was made anew.
    """

    address: str
    url: pulumi.Output[str]
    done: pulumi.Output[str]

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:Database", name, None, opts)
        server = args.server
        volume = hcloud.Volume(
            f"{name}-volume",
            name=f"{args.environment}-postgres",
            size=args.volume_size,
            location=server.location,
            format="ext4",
            delete_protection=args.protect,
            labels=labels(args.environment, Part.DATABASE),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect,
                delete_before_replace=True,
                # Another file system is a volume made anew, without the data.
                ignore_changes=["format"],
            ),
        )
        attachment = hcloud.VolumeAttachment(
            f"{name}-attachment",
            volume_id=as_int(volume.id),
            server_id=server.server_id,
            # The role mounts it, by its id: automount would write an entry of its own into fstab.
            automount=False,
            # It follows the server; the data is on the volume. One volume is on one server at a time.
            opts=pulumi.ResourceOptions(parent=self, protect=False, delete_before_replace=True),
        )
        role = Role(
            f"{name}-role",
            RoleArgs(
                connection=server.connection,
                folder=BOOTSTRAP,
                server_id=server.id,
                variables={
                    "address": server.private_ip,
                    "clients": [str(network) for network in args.clients],
                    "database": args.name,
                    "device": volume.linux_device,
                    "user": args.user,
                    # Not used on the server: another size is another run, which grows the file system.
                    "volume_size": args.volume_size,
                },
                secrets={"password": args.password},
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[server.ready, attachment]),
        )
        self.address = f"{server.private_ip}:{PORT}"
        self.url = args.password.apply(
            lambda password: (
                f"postgres://{quote(args.user)}:{quote(password, safe='')}@{self.address}/{quote(args.name)}"
            )
        )
        self.done = role.done
        self.register_outputs({"address": self.address, "done": self.done})
