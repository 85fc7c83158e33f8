"""The OpticWorks Store, from settings to exports: read it beside the picture in README.md."""

from __future__ import annotations

import pulumi

from components import configuration, outputs, preflight
from components.addresses import AddressPlan
from components.fleet import Fleet, FleetArgs
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.network import Network, NetworkArgs, Part
from components.server import DEBIAN_12, Server, ServerArgs, Site
from components.ssh_access import SshAccess, SshAccessArgs

settings = configuration.read()
checked = preflight.run(settings)
plan = AddressPlan(settings.network_range)

network = Network(
    "network",
    NetworkArgs(
        environment=settings.prefix,
        plan=plan,
        zone=settings.network_zone,
        ssh_from=settings.ssh_allowed_cidrs,
        protect=settings.protect,
    ),
)
access = SshAccess(
    "access",
    SshAccessArgs(
        environment=settings.prefix,
        private_key=settings.ssh_private_key,
        host_key_secret=settings.host_key_secret,
        operators=settings.ssh_public_keys,
    ),
)
site = Site(environment=settings.prefix, location=settings.location, network=network, access=access)

postgres = Server(
    "postgres",
    ServerArgs(
        site=site,
        part=Part.DATABASE,
        server_name="postgres",
        alias=f"postgres-{settings.alias_suffix}",
        private_ip=plan.database,
        server_type=settings.database_server_type,
        protect=settings.protect,
        replace=settings.replace_database,
    ),
)
redis = Server(
    "redis",
    ServerArgs(
        site=site,
        part=Part.REDIS,
        server_name="redis",
        alias=f"redis-{settings.alias_suffix}",
        private_ip=plan.redis,
        server_type=settings.redis_server_type,
        image=DEBIAN_12,
        protect=settings.protect,
        replace=settings.replace_redis,
    ),
)
medusa = Fleet(
    "medusa",
    FleetArgs(
        site=site,
        plan=plan,
        count=settings.medusa_instances,
        server_type=settings.medusa_server_type,
        alias_suffix=settings.alias_suffix,
        replace=settings.replace_medusa,
    ),
)
load_balancer = LoadBalancer(
    "load-balancer",
    LoadBalancerArgs(
        site=site,
        private_ip=plan.balancer,
        type=checked.load_balancer_type,
        protect=settings.protect,
    ),
)

servers = [*medusa.servers, postgres, redis]
pulumi.export("environment", settings.prefix)
pulumi.export("apiUrl", outputs.api_url(settings, load_balancer.public_ipv4))
pulumi.export("loadBalancerAddress", load_balancer.public_ipv4)
pulumi.export("loadBalancerType", load_balancer.type)
pulumi.export("instances", [outputs.instance(server) for server in medusa.servers])
pulumi.export("sshHosts", outputs.ssh_hosts(servers))
pulumi.export("databaseName", settings.database_name)
