"""The private network: one range, a subnet for each role, and each role's firewall towards the internet.

A Hetzner firewall filters public traffic only; who may talk to whom inside is for nftables on the servers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pulumi
import pulumi_hcloud as hcloud

from components.addresses import AddressPlan
from components.labels import labels
from components.resource_ids import as_int
from components.settings.kinds import IPNetwork

ANYWHERE = ["0.0.0.0/0", "::/0"]


class Part(StrEnum):
    """What has a subnet of its own."""

    MEDUSA = "medusa"
    DATABASE = "database"
    REDIS = "redis"
    BALANCER = "balancer"


SERVER_PARTS = (Part.MEDUSA, Part.DATABASE, Part.REDIS)
"""Parts that are servers; a load balancer takes no firewall."""


@dataclass(frozen=True)
class NetworkArgs:
    environment: str
    plan: AddressPlan
    zone: str
    """Network zone, eu-central for example."""
    ssh_from: Sequence[IPNetwork]
    """Who may reach SSH; at most 100 ranges."""
    protect: bool = True


class Network(pulumi.ComponentResource):
    """Network, subnets and firewalls. Nothing but SSH and ICMP comes in from outside."""

    network: hcloud.Network
    subnets: Mapping[Part, hcloud.NetworkSubnet]
    firewalls: Mapping[Part, hcloud.Firewall]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(
            "opticworks:index:Network",
            name,
            None,
            pulumi.ResourceOptions.merge(pulumi.ResourceOptions(protect=args.protect), opts),
        )
        self.network = hcloud.Network(
            f"{name}-range",
            name=args.environment,
            ip_range=str(args.plan.network_range),
            delete_protection=args.protect,
            labels=labels(args.environment),
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        ranges = {
            Part.MEDUSA: args.plan.medusa_subnet,
            Part.DATABASE: args.plan.database_subnet,
            Part.REDIS: args.plan.redis_subnet,
            Part.BALANCER: args.plan.balancer_subnet,
        }
        self.subnets = {
            part: hcloud.NetworkSubnet(
                f"{name}-subnet-{part}",
                network_id=as_int(self.network.id),
                type="cloud",
                network_zone=args.zone,
                ip_range=str(ip_range),
                # Ranges do not overlap in time either: the same range cannot be there twice.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
            for part, ip_range in ranges.items()
        }
        self.firewalls = {
            part: hcloud.Firewall(
                f"{name}-firewall-{part}",
                name=f"{args.environment}-{part}",
                rules=_rules(args.ssh_from),
                labels=labels(args.environment, part),
                # Servers name their firewall by id; nothing is attached from this side, or the two would fight.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
            for part in SERVER_PARTS
        }
        self.register_outputs({"networkId": self.network.id, "range": str(args.plan.network_range)})

    def firewall_id(self, part: Part) -> pulumi.Output[int]:
        return as_int(self.firewalls[part].id)

    def subnet_id(self, part: Part) -> pulumi.Output[str]:
        """A subnet's id is a string, "NETWORK-RANGE". What uses it waits for the subnet, not only for the network."""
        return self.subnets[part].id


def _rules(ssh_from: Sequence[IPNetwork]) -> list[hcloud.FirewallRuleArgs]:
    """Inbound rules; what no rule names is dropped, what goes out is free."""
    return [
        hcloud.FirewallRuleArgs(
            direction="in",
            protocol="tcp",
            port="22",
            source_ips=[str(network) for network in ssh_from],
            description="SSH from the configured ranges",
        ),
        hcloud.FirewallRuleArgs(
            direction="in",
            protocol="icmp",
            source_ips=ANYWHERE,
            description="ping and path MTU discovery",
        ),
    ]
