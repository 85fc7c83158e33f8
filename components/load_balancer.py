"""The load balancer in front of the instances."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

import pulumi
import pulumi_hcloud as hcloud

from components.labels import labels
from components.network import Part
from components.resource_ids import as_int
from components.server import Server, Site
from components.settings.sizes import balancer_type, smallest_balancer

LISTEN_PORT = 443
INSTANCE_PORT = 8000
"""Where the node proxy of an instance listens, on its private address."""

HEALTH_CHECK = hcloud.LoadBalancerServiceHealthCheckArgs(
    protocol="http",
    port=INSTANCE_PORT,
    # Seconds. The smallest interval that the API takes; an instance is out 6 s after it stops to answer well.
    interval=3,
    timeout=2,
    retries=2,
    http=hcloud.LoadBalancerServiceHealthCheckHttpArgs(path="/health", status_codes=["200"]),
)


def fitting_type(instances: int, attached: int, chosen: str | None = None) -> str:
    """The type for that many instances, while `attached` targets are there already.

    Pulumi changes the type before it removes targets, and Hetzner refuses a type that holds fewer than there are: on
    the way down the smaller type comes with the update after. Raises ValueError when the `chosen` type is too small.
    """
    needed = max(instances, attached)
    if chosen is None:
        return smallest_balancer(needed).name
    if balancer_type(chosen).targets < needed:
        raise ValueError(f"holds {balancer_type(chosen).targets} targets, and {needed} are attached or wanted")
    return chosen


@dataclass(frozen=True)
class LoadBalancerArgs:
    site: Site
    private_ip: IPv4Address
    type: str
    """lb11, lb21 or lb31; see `fitting_type`. It changes in place, and the address stays."""
    certificate_id: pulumi.Input[int]
    """What it shows to Cloudflare; at Hetzner."""
    protect: bool = True


class LoadBalancer(pulumi.ComponentResource):
    """From Cloudflare over TLS, to the instances over the private network: to those that answer /health with 200.

    Targets are made apart from it (`target`), each when its own server is ready.
    """

    id: pulumi.Output[str]
    load_balancer_id: pulumi.Output[int]
    name: str
    public_ipv4: pulumi.Output[str]
    private_ip: str
    type: str
    attachment: hcloud.LoadBalancerNetwork

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(
            "opticworks:index:LoadBalancer",
            name,
            None,
            pulumi.ResourceOptions.merge(pulumi.ResourceOptions(protect=args.protect), opts),
        )
        site = args.site
        self.name = f"{site.environment}-api"
        self.private_ip = str(args.private_ip)
        self.type = args.type
        balancer = hcloud.LoadBalancer(
            f"{name}-balancer",
            name=self.name,
            load_balancer_type=args.type,
            location=site.location,
            # Instances are equal and requests short.
            algorithm=hcloud.LoadBalancerAlgorithmArgs(type="round_robin"),
            delete_protection=args.protect,
            labels=labels(site.environment, Part.BALANCER),
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.id = balancer.id
        self.load_balancer_id = as_int(balancer.id)
        self.public_ipv4 = balancer.ipv4
        self.attachment = hcloud.LoadBalancerNetwork(
            f"{name}-network",
            load_balancer_id=self.load_balancer_id,
            subnet_id=site.network.subnet_id(Part.BALANCER),
            ip=self.private_ip,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        # Nothing listens on port 80 beside it: nobody but the edge is to come, and the edge speaks TLS.
        hcloud.LoadBalancerService(
            f"{name}-https",
            load_balancer_id=balancer.id,
            protocol="https",
            listen_port=LISTEN_PORT,
            destination_port=INSTANCE_PORT,
            http=hcloud.LoadBalancerServiceHttpArgs(certificates=[args.certificate_id]),
            health_check=HEALTH_CHECK,
            # A service holds nothing; it may be replaced, and its port is taken until the old one is gone.
            opts=pulumi.ResourceOptions(parent=self, protect=False, delete_before_replace=True),
        )
        self.register_outputs({"publicIpv4": self.public_ipv4, "type": args.type})

    def target(self, name: str, server: Server, opts: pulumi.ResourceOptions) -> hcloud.LoadBalancerTarget:
        """Put that server behind the balancer, over its private address.

        `opts`: parent, and what must be ready first. The target waits for both attachments besides: Hetzner refuses
        a private target until both are in the network.
        """
        return hcloud.LoadBalancerTarget(
            name,
            load_balancer_id=self.load_balancer_id,
            type="server",
            server_id=server.server_id,
            use_private_ip=True,
            opts=pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(depends_on=[self.attachment, server.ready], delete_before_replace=True)
            ),
        )
