"""The edge's resources, wired by ids as programs do it. The stack's configuration changes some of them."""

import json
from pathlib import Path

import pulumi
import pulumi_cloudflare as cloudflare

config = pulumi.Config()
changed = config.get_bool("changed") or False
HERE = Path(__file__).parent

zone = cloudflare.get_zone(filter={"name": "localhost"})
account = zone.account.id

cloudflare.DnsRecord(
    "api",
    zone_id=zone.id,
    name="api.localhost",
    type="A",
    content="192.0.2.2" if changed else "192.0.2.1",
    ttl=1,
    proxied=True,
)
cloudflare.ZoneSetting("tls", zone_id=zone.id, setting_id="min_tls_version", value="1.2")
cloudflare.Healthcheck("api", zone_id=zone.id, name="api", address="api.localhost", http_config={"path": "/health"})
cloudflare.Ruleset(
    "origin",
    zone_id=zone.id,
    name="origin",
    kind="zone",
    phase="http_request_late_transform",
    rules=[
        {
            "ref": "secret",
            "action": "rewrite",
            "expression": "true",
            "action_parameters": {
                "headers": {"x-origin": {"operation": "set", "value": config.require_secret("originSecret")}}
            },
        }
    ],
)

bucket = cloudflare.R2Bucket("backups", account_id=account, name="backups", location="weur")
cloudflare.R2BucketLifecycle(
    "backups",
    account_id=account,
    bucket_name=bucket.name,
    rules=[
        {
            "id": "expire",
            "enabled": True,
            "conditions": {"prefix": "medusa/"},
            "delete_objects_transition": {"condition": {"type": "Age", "max_age": 86400 * (60 if changed else 30)}},
        }
    ],
)
token = cloudflare.AccountToken(
    "backups",
    account_id=account,
    name="backups",
    policies=[
        {
            "effect": "allow",
            "permission_groups": [{"id": "g"}],
            "resources": bucket.name.apply(lambda name: json.dumps({f"com.cloudflare.edge.r2.bucket.{name}": "*"})),
        }
    ],
)

namespace = cloudflare.WorkersKvNamespace("cache", account_id=account, title="cache")
worker = cloudflare.Worker("storefront", account_id=account, name="storefront", observability={"enabled": True})
version = cloudflare.WorkerVersion(
    "storefront",
    account_id=account,
    worker_id=worker.id,
    main_module="worker.js",
    modules=[
        {
            "name": "worker.js",
            "content_type": "application/javascript+module",
            "content_file": str(HERE / "worker.js"),
        }
    ],
    bindings=[
        {"name": "KV", "type": "kv_namespace", "namespace_id": namespace.id},
        {"name": "BACKUPS", "type": "r2_bucket", "bucket_name": bucket.name},
        {"name": "ORIGIN", "type": "secret_text", "text": config.require_secret("originSecret")},
    ],
    compatibility_date="2026-01-02" if changed else "2026-01-01",
)
deployment = cloudflare.WorkersDeployment(
    "storefront",
    account_id=account,
    script_name=worker.name,
    strategy="percentage",
    versions=[{"version_id": version.id, "percentage": 100}],
)
cloudflare.WorkersCustomDomain(
    "storefront",
    account_id=account,
    hostname="store.localhost",
    service=worker.name,
    zone_id=zone.id,
    opts=pulumi.ResourceOptions(depends_on=[deployment]),
)
cloudflare.ImageVariant(
    "card",
    account_id=account,
    image_variant_id="card",
    options={"fit": "cover", "width": 320, "height": 320, "metadata": "none"},
)

group = cloudflare.ZeroTrustAccessGroup(
    "editors", account_id=account, name="editors", includes=[{"email_domain": {"domain": "optic.works"}}]
)
policy = cloudflare.ZeroTrustAccessPolicy(
    "editors", account_id=account, name="editors", decision="allow", includes=[{"group": {"id": group.id}}]
)
cloudflare.ZeroTrustAccessApplication(
    "admin",
    zone_id=zone.id,
    name="admin",
    domain="api.localhost/app",
    type="self_hosted",
    policies=[{"id": policy.id, "precedence": 1}],
)
probe = cloudflare.ZeroTrustAccessServiceToken("probe", account_id=account, name="probe")

pulumi.export("tokenId", token.id)
pulumi.export("value", token.value)
pulumi.export("clientSecret", probe.client_secret)
