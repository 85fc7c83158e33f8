"""A server: its address, its place in the network, and a pinned way in."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

import pulumi
import pulumi_hcloud as hcloud
from pulumi_command import remote

from components.labels import labels
from components.network import Network, Part
from components.resource_ids import as_int
from components.retries import create_retries
from components.ssh_access import SshAccess

DEBIAN_13 = "debian-13"
DEBIAN_12 = "debian-12"

SLOW = pulumi.CustomTimeouts(create="10m", update="15m", delete="10m")
"""A change of type stops the server, moves it and starts it again."""


@dataclass(frozen=True)
class Site:
    """What all servers of an environment share."""

    environment: str
    location: str
    network: Network
    access: SshAccess


@dataclass(frozen=True)
class ServerArgs:
    site: Site
    part: Part
    server_name: str
    """Its name without the environment: postgres, medusa-2."""
    alias: str
    """What operators call it in SSH: postgres-prod."""
    private_ip: IPv4Address
    server_type: str
    image: str = DEBIAN_13
    protect: bool = True
    replace: str | None = None
    """Any other value than before replaces the server; nothing else does, except another location."""
    placement_group_id: pulumi.Input[int] | None = None


class Server(pulumi.ComponentResource):
    """A server in the private network, reachable as `deploy` under a host key that is known beforehand.

    Its public address is a resource of its own that outlives it: a server that is replaced, or was deleted behind
    Pulumi's back, comes back under the same address and host key, and SSH configurations stay right.
    """

    id: pulumi.Output[str]
    server_id: pulumi.Output[int]
    name: str
    alias: str
    public_ipv4: pulumi.Output[str]
    private_ip: str
    server_type: str
    location: str
    host_key_public: str
    connection: remote.ConnectionArgs
    ready: hcloud.ServerNetwork
    """Depend on it: then the server runs and has both its addresses."""

    def __init__(self, name: str, args: ServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(
            "opticworks:index:Server",
            name,
            None,
            pulumi.ResourceOptions.merge(pulumi.ResourceOptions(protect=args.protect), opts),
        )
        site = args.site
        self.name = f"{site.environment}-{args.server_name}"
        self.alias = args.alias
        self.private_ip = str(args.private_ip)
        self.server_type = args.server_type
        self.location = site.location
        self.host_key_public = site.access.host_key(self.name).public_openssh
        own_labels = labels(site.environment, args.part)

        address = hcloud.PrimaryIp(
            f"{name}-address",
            name=self.name,
            type="ipv4",
            location=site.location,
            # True would lose the address with the server, and a replacement could not take it while it is held.
            auto_delete=False,
            delete_protection=args.protect,
            labels=own_labels,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        server = hcloud.Server(
            f"{name}-server",
            name=self.name,
            server_type=args.server_type,
            image=args.image,
            location=site.location,
            user_data=site.access.user_data(self.name),
            ssh_keys=[site.access.ssh_key.id],
            firewall_ids=[site.network.firewall_id(args.part)],
            placement_group_id=args.placement_group_id,
            # No IPv6: nobody dials servers over it, and a second public address would be a second one to guard.
            public_nets=[
                hcloud.ServerPublicNetArgs(ipv4_enabled=True, ipv4=as_int(address.id), ipv6_enabled=False),
            ],
            # A grown disk can never shrink again, so a change of type leaves it as it is.
            keep_disk=True,
            shutdown_before_deletion=True,
            delete_protection=args.protect,
            rebuild_protection=args.protect,
            labels=own_labels,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Each of these replaces the server, data and all; an edit of a first-boot script must not.
                ignore_changes=["userData", "image", "sshKeys"],
                # Never absent: the engine compares two values, and would not see the first one come.
                replacement_trigger=args.replace or "first",
                # The name and the address are taken until the old server is gone.
                delete_before_replace=True,
                custom_timeouts=SLOW,
                hooks=create_retries(name),
            ),
        )
        self.ready = hcloud.ServerNetwork(
            f"{name}-network",
            server_id=as_int(server.id),
            # With the address given as well: by the network alone the last subnet made would win.
            subnet_id=site.network.subnet_id(args.part),
            ip=self.private_ip,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.id = server.id
        self.server_id = as_int(server.id)
        self.public_ipv4 = server.ipv4_address
        self.connection = site.access.connection(self.name, self.public_ipv4)
        self.register_outputs({"publicIpv4": self.public_ipv4, "privateIp": self.private_ip})
