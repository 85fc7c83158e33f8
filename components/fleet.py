"""Servers of one part, numbered from 1, spread over physical hosts."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_hcloud as hcloud

from components.addresses import AddressPlan
from components.labels import labels
from components.network import Part
from components.resource_ids import as_int
from components.server import DEBIAN_13, Server, ServerArgs, Site

GROUP_SIZE = 10
"""Servers that one spread placement group takes (Cloud API)."""


@dataclass(frozen=True)
class FleetArgs:
    site: Site
    plan: AddressPlan
    count: int
    server_type: str
    alias_suffix: str
    image: str = DEBIAN_13
    replace: str | None = None


class Fleet(pulumi.ComponentResource):
    """Medusa's servers. They hold no data and so are not protected: fewer of them is one config value away.

    Server i has its name, address and placement group by its number alone, so that a change of the count never moves
    another: 1 to 10 in the first group, 11 to 20 in the second (a running server cannot change its group).
    """

    servers: list[Server]

    def __init__(self, name: str, args: FleetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:Fleet", name, None, opts)
        site = args.site
        groups = [
            hcloud.PlacementGroup(
                f"{name}-spread-{number}",
                name=f"{site.environment}-{name}-{number}",
                type="spread",
                labels=labels(site.environment, Part.MEDUSA),
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
            for number in range(1, -(-args.count // GROUP_SIZE) + 1)
        ]
        self.servers = [
            Server(
                f"{name}-{number}",
                ServerArgs(
                    site=site,
                    part=Part.MEDUSA,
                    server_name=f"{name}-{number}",
                    alias=f"{name}-{args.alias_suffix}" + ("" if number == 1 else f"-{number}"),
                    private_ip=args.plan.medusa(number),
                    server_type=args.server_type,
                    image=args.image,
                    protect=False,
                    replace=args.replace,
                    placement_group_id=as_int(groups[(number - 1) // GROUP_SIZE].id),
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for number in range(1, args.count + 1)
        ]
        self.register_outputs({"count": args.count})
