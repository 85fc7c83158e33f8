"""The OpticWorks Store, from settings to exports: read it beside the picture in README.md."""

from __future__ import annotations

import pulumi

from components import configuration, outputs, preflight
from components.addresses import AddressPlan
from components.admin_access import AdminAccess, AdminAccessArgs, levels
from components.backend import Backend, BackendArgs, origin_secrets
from components.backups import Backups, BackupsArgs
from components.cache import Cache, CacheArgs
from components.database import Database, DatabaseArgs
from components.dns import Dns, DnsArgs
from components.edge_rules import EdgeRules, EdgeRulesArgs, api_hosts
from components.fleet import Fleet, FleetArgs
from components.images import Images, ImagesArgs
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.network import Network, NetworkArgs, Part
from components.origin_certificate import OriginCertificate, OriginCertificateArgs
from components.secrets import secret
from components.server import DEBIAN_12, Server, ServerArgs, Site
from components.ssh_access import SshAccess, SshAccessArgs
from components.storefront.component import Storefront, StorefrontArgs
from components.storefront.environment import secrets as storefront_secrets
from components.storefront.environment import variables as storefront_variables
from components.watch import Watch, WatchArgs
from components.zone import Zone, ZoneArgs

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
certificate = OriginCertificate(
    "origin-certificate",
    OriginCertificateArgs(environment=settings.prefix, api_host=settings.api_host, key=settings.origin_certificate_key),
)
load_balancer = LoadBalancer(
    "load-balancer",
    LoadBalancerArgs(
        site=site,
        private_ip=plan.balancer,
        type=checked.load_balancer_type,
        protect=settings.protect,
        certificate_id=certificate.certificate_id,
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
        origin_secrets=origin_secrets(settings),
    ),
)
publishable_key = settings.publishable_key or backend.publishable_key

zone = Zone("zone", ZoneArgs(zone_id=checked.zone_id, owned=settings.owns_zone))
dns = Dns(
    "dns",
    DnsArgs(
        zone_id=zone.zone_id,
        environment=settings.prefix,
        api_host=settings.api_host,
        metrics_host=settings.metrics_host,
        balancer_ipv4=load_balancer.public_ipv4,
    ),
)
edge_rules = EdgeRules(
    "edge-rules",
    EdgeRulesArgs(
        zone_id=zone.zone_id,
        environment=settings.prefix,
        plan=settings.cloudflare_plan,
        apis=api_hosts(settings),
        owned=settings.owns_zone,
        after=backend.joined,
    ),
)
storefront = Storefront(
    "storefront",
    StorefrontArgs(
        account_id=settings.cloudflare_account_id,
        zone_id=zone.zone_id,
        environment=settings.prefix,
        storefront_host=settings.storefront_host,
        status_host=settings.status_host,
        bundle=checked.storefront_bundle,
        variables=storefront_variables(settings, publishable_key),
        secrets=storefront_secrets(settings),
        versions=settings.storefront_versions,
        after=backend.joined,
        replaces=checked.foreign_deployment,
    ),
)
images = Images(
    "images",
    ImagesArgs(account_id=settings.cloudflare_account_id, declared=settings.owns_variants),
)
backups = Backups(
    "backups",
    BackupsArgs(
        account_id=settings.cloudflare_account_id,
        environment=settings.prefix,
        bucket=settings.backups_bucket,
        endpoint=settings.r2_endpoint,
        retention_days=settings.backup_retention_days,
        lock_days=settings.backup_lock_days,
        protect=settings.protect,
    ),
)
admin_access = AdminAccess(
    "admin-access",
    AdminAccessArgs(
        account_id=settings.cloudflare_account_id,
        environment=settings.prefix,
        api_host=settings.api_host,
        metrics_host=settings.metrics_host,
        members=levels(settings),
    ),
)
watch = Watch(
    "watch",
    WatchArgs(
        account_id=settings.cloudflare_account_id,
        zone_id=zone.zone_id,
        environment=settings.prefix,
        plan=settings.cloudflare_plan,
        api_host=settings.api_host,
        alert_emails=settings.alert_emails,
        after=backend.joined,
    ),
)

pulumi.export("environment", settings.prefix)
pulumi.export("storefrontUrl", settings.storefront_url)
pulumi.export("apiUrl", settings.api_url)
pulumi.export("adminUrl", settings.admin_url)
pulumi.export("imagesUrl", settings.images_url)
pulumi.export("statusUrl", settings.public_origin(settings.status_host))
pulumi.export("metricsUrl", settings.public_origin(settings.metrics_host))
pulumi.export("cloudflareZoneId", zone.zone_id)
pulumi.export("ownsZone", zone.owned)
pulumi.export("storefrontWorker", storefront.worker)
pulumi.export("storefrontVersion", storefront.version)
pulumi.export("storefrontStateNamespace", storefront.namespace_id)
pulumi.export("backupsBucket", backups.bucket)
pulumi.export("backupsEndpoint", backups.endpoint)
pulumi.export("backupsCredentials", outputs.key_pair(backups))
pulumi.export("accessServiceToken", outputs.service_token(admin_access))
pulumi.export("loadBalancerAddress", load_balancer.public_ipv4)
pulumi.export("loadBalancerType", load_balancer.type)
pulumi.export("instances", [outputs.instance(server) for server in medusa.servers])
pulumi.export("sshHosts", outputs.ssh_hosts([*medusa.servers, postgres, redis]))
pulumi.export("databaseAddress", database.address)
pulumi.export("databaseName", settings.database_name)
pulumi.export("redisDurableAddress", cache.durable_address)
pulumi.export("redisCacheAddress", cache.cache_address)
pulumi.export("release", backend.release)
pulumi.export("publishableKey", publishable_key)
