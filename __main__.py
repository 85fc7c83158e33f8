"""The OpticWorks Store, from settings to exports: read it beside the picture in README.md."""

from __future__ import annotations

import pulumi

from components import configuration, outputs, preflight
from components.addresses import AddressPlan
from components.backend import Backend, BackendArgs
from components.cache import Cache, CacheArgs
from components.database import Database, DatabaseArgs
from components.fleet import Fleet, FleetArgs
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.network import Network, NetworkArgs, Part
from components.secrets import secret
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

database = Database(
    "database",
    DatabaseArgs(
        server=postgres,
        environment=settings.prefix,
        name=settings.database_name,
        user=settings.database_user,
        password=secret(settings.database_password),
        volume_size=settings.database_volume_size,
        clients=[plan.medusa_subnet],
        protect=settings.protect,
    ),
)
cache = Cache(
    "cache",
    CacheArgs(
        server=redis,
        durable_password=secret(settings.redis_durable_password),
        cache_password=secret(settings.redis_cache_password),
        clients=[plan.medusa_subnet],
    ),
)
backend = Backend(
    "backend",
    BackendArgs(
        instances=medusa.servers,
        load_balancer=load_balancer,
        release=settings.backend_release,
        database_url=database.url,
        redis_url=cache.durable_url,
        cache_redis_url=cache.cache_url,
        settings=settings,
        after=[database.done, cache.done],
    ),
)

pulumi.export("environment", settings.prefix)
pulumi.export("apiUrl", outputs.api_url(settings, load_balancer.public_ipv4))
pulumi.export("loadBalancerAddress", load_balancer.public_ipv4)
pulumi.export("loadBalancerType", load_balancer.type)
pulumi.export("instances", [outputs.instance(server) for server in medusa.servers])
pulumi.export("sshHosts", outputs.ssh_hosts([*medusa.servers, postgres, redis]))
pulumi.export("databaseAddress", database.address)
pulumi.export("databaseName", settings.database_name)
pulumi.export("redisDurableAddress", cache.durable_address)
pulumi.export("redisCacheAddress", cache.cache_address)
pulumi.export("release", backend.release)
pulumi.export("publishableKey", backend.publishable_key)
