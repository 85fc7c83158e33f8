"""What belongs to an account: tokens, notifications, variants of images, certificates for origins, queues, widgets."""

from __future__ import annotations

from localcloud.plugins.cloudflare.plan import same_json, same_time
from localcloud.plugins.cloudflare.resource import CloudflareResource
from localcloud.plugins.cloudflare.rest import Rest

_ACCOUNT = frozenset({"accountId"})


def _token(name: str, path: str, import_id: str) -> Rest:
    """A token: its value is told once, when it is made. What its resources are is JSON in a text."""
    return Rest(
        name,
        path,
        replace=_ACCOUNT if "accountId" in path else frozenset(),
        import_id=import_id,
        stable=frozenset({"value", "issuedOn"}),
        texts=frozenset({"policies.resources"}),
        unordered=frozenset({"policies", "policies.permissionGroups"}),
        same={"policies.resources": same_json, "expiresOn": same_time, "notBefore": same_time},
    )


NOTIFICATION_POLICY = Rest(
    "NotificationPolicy",
    "/accounts/{accountId}/alerting/v3/policies",
    replace=_ACCOUNT,
    import_id="{accountId}/{id}",
    defaults={"enabled": True},
    stable=frozenset({"created"}),
    unordered=frozenset({f"mechanisms.{kind}" for kind in ("emails", "pagerduties", "webhooks")}),
)
WEBHOOKS = Rest(
    "NotificationPolicyWebhooks",
    "/accounts/{accountId}/alerting/v3/destinations/webhooks",
    replace=_ACCOUNT,
    import_id="{accountId}/{id}",
    stable=frozenset({"createdAt"}),
)
VARIANT = Rest(
    "ImageVariant",
    "/accounts/{accountId}/images/v1/variants",
    item="/accounts/{accountId}/images/v1/variants/{imageVariantId}",
    id="imageVariantId",
    update="PATCH",
    replace=frozenset({"accountId", "imageVariantId"}),
    import_id="{accountId}/{imageVariantId}",
    defaults={"neverRequireSignedUrls": False},
    names={"imageVariantId": "id"},
    outer="variant",
)
ORIGIN_CERTIFICATE = Rest(
    "OriginCaCertificate",
    "/certificates",
    update=None,
    replace="all",
    import_id="{id}",
    unordered=frozenset({"hostnames"}),
)
QUEUE = Rest(
    "Queue",
    "/accounts/{accountId}/queues",
    id="queueId",
    replace=frozenset({"accountId", "jurisdiction"}),
    import_id="{accountId}/{id}",
    stable=frozenset({"queueId", "createdOn"}),
)
WIDGET = Rest(
    "TurnstileWidget",
    "/accounts/{accountId}/challenges/widgets",
    id="sitekey",
    replace=_ACCOUNT,
    import_id="{accountId}/{id}",
    stable=frozenset({"sitekey", "secret", "createdOn"}),
    unsent=frozenset({"direction", "filter", "order", "page", "perPage"}),
    unordered=frozenset({"domains"}),
)
TUNNEL = Rest(
    "ZeroTrustTunnelCloudflared",
    "/accounts/{accountId}/cfd_tunnel",
    update="PATCH",
    replace=frozenset({"accountId", "configSrc"}),
    import_id="{accountId}/{id}",
    stable=frozenset({"accountTag", "createdAt", "tunType"}),
)
_TUNNEL_CONFIG = "/accounts/{accountId}/cfd_tunnel/{tunnelId}/configurations"
TUNNEL_CONFIG = Rest(
    "ZeroTrustTunnelCloudflaredConfig",
    _TUNNEL_CONFIG,
    item=_TUNNEL_CONFIG,
    id="tunnelId",
    create="PUT",
    delete=False,
    replace=frozenset({"accountId", "tunnelId"}),
    import_id="{accountId}/{tunnelId}",
)

PLAIN = (
    _token("AccountToken", "/accounts/{accountId}/tokens", "{accountId}/{id}"),
    _token("ApiToken", "/user/tokens", "{id}"),
    NOTIFICATION_POLICY,
    WEBHOOKS,
    VARIANT,
    ORIGIN_CERTIFICATE,
    QUEUE,
    WIDGET,
    TUNNEL,
    TUNNEL_CONFIG,
)
SPECIAL: tuple[type[CloudflareResource], ...] = ()
