"""Access: who may open what, in an account or a zone."""

from __future__ import annotations

from localcloud.plugins.cloudflare.resource import CloudflareResource
from localcloud.plugins.cloudflare.rest import Rest

_SCOPE = frozenset({"accountId", "zoneId"})
_RULES = ("includes", "excludes", "requires")
_IMPORT = "{scope}/{scopeId}/{id}"

APPLICATION = Rest(
    "ZeroTrustAccessApplication",
    "/{scope}/access/apps",
    replace=_SCOPE,
    import_id=_IMPORT,
    stable=frozenset({"aud"}),
    unordered=frozenset(
        {"allowedIdps", "customPages", "selfHostedDomains", "tags", *(f"policies.{rule}" for rule in _RULES)}
    ),
)
POLICY = Rest(
    "ZeroTrustAccessPolicy",
    "/accounts/{accountId}/access/policies",
    replace=frozenset({"accountId"}),
    import_id="{accountId}/{id}",
    plain=frozenset({"excludes", "requires"}),
    stable=frozenset({"createdAt"}),
    unordered=frozenset(_RULES),
)
GROUP = Rest(
    "ZeroTrustAccessGroup",
    "/{scope}/access/groups",
    replace=_SCOPE,
    import_id=_IMPORT,
    plain=frozenset({"excludes", "requires"}),
    unordered=frozenset(_RULES),
)
SERVICE_TOKEN = Rest(
    "ZeroTrustAccessServiceToken",
    "/{scope}/access/service_tokens",
    replace=_SCOPE,
    import_id=_IMPORT,
    stable=frozenset({"clientId"}),
)
IDENTITY_PROVIDER = Rest(
    "ZeroTrustAccessIdentityProvider",
    "/{scope}/access/identity_providers",
    replace=_SCOPE,
    import_id=_IMPORT,
    kept={"config": ("clientSecret",)},
)
ORGANIZATION = Rest(
    "ZeroTrustOrganization",
    "/{scope}/access/organizations",
    item="/{scope}/access/organizations",
    id="authDomain",
    create="PUT",
    delete=False,
    replace=_SCOPE,
    import_id="{accountId}",
)

PLAIN = (APPLICATION, POLICY, GROUP, SERVICE_TOKEN, IDENTITY_PROVIDER, ORGANIZATION)
SPECIAL: tuple[type[CloudflareResource], ...] = ()
