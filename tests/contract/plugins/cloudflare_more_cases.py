"""Cases of the cloudflare plugin's resources of R2, of the account, and of Access."""

from __future__ import annotations

from tests.contract.plugins.cloudflare_case import ID, A, Case, Z
from tests.contract.plugins.cloudflare_stub import ACCOUNT, ZONE

BUCKET = {"accountId": ACCOUNT, "bucketName": "backups"}
B = f"{A}/r2/buckets/backups"
RULE = {
    "id": "expire",
    "enabled": True,
    "conditions": {"prefix": "medusa/"},
    "deleteObjectsTransition": {"condition": {"type": "Age", "maxAge": 2592000}},
}
LOCK = {"id": "keep", "enabled": True, "prefix": "medusa/", "condition": {"type": "Age", "maxAgeSeconds": 604800}}
CORS = {"allowed": {"methods": ["GET"], "origins": ["https://store.localhost"]}, "maxAgeSeconds": 3600}
GROUPS = [{"email": {"email": "a@optic.works"}}, {"emailDomain": {"domain": "optic.works"}}]
SENT_GROUPS = [{"email": {"email": "a@optic.works"}}, {"email_domain": {"domain": "optic.works"}}]
RESOURCES = f'{{"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_backups":"*"}}'
SENT_RESOURCES = {f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_backups": "*"}
POLICY = {"effect": "allow", "permissionGroups": [{"id": "g1"}, {"id": "g2"}], "resources": RESOURCES}
SENT_POLICY = {"effect": "allow", "permission_groups": [{"id": "g1"}, {"id": "g2"}], "resources": SENT_RESOURCES}
OPTIONS = {"fit": "contain", "width": 320, "height": 320, "metadata": "none"}

OTHER_CASES: dict[str, Case] = {
    "lifecycle": Case(
        "R2BucketLifecycle",
        BUCKET | {"rules": [RULE]},
        (f"PUT {B}/lifecycle", {"rules": [RULE]}),
        {"rules": [RULE, RULE | {"id": "second"}]},
        (f"PUT {B}/lifecycle", {"rules": [RULE, RULE | {"id": "second"}]}),
        id="backups",
        import_id=f"{ACCOUNT}/backups/default",
        replaced_by={"bucketName": "other"},
    ),
    "lock": Case(
        "R2BucketLock",
        BUCKET | {"rules": [LOCK]},
        (f"PUT {B}/lock", {"rules": [LOCK]}),
        {"rules": [LOCK | {"enabled": False}]},
        (f"PUT {B}/lock", {"rules": [LOCK | {"enabled": False}]}),
        id="backups",
        import_id=f"{ACCOUNT}/backups/default",
    ),
    "cors": Case(
        "R2BucketCors",
        BUCKET | {"rules": [CORS]},
        (f"PUT {B}/cors", {"rules": [CORS]}),
        ended=f"DELETE {B}/cors",
        id="backups",
        import_id=f"{ACCOUNT}/backups/default",
    ),
    "domain of a bucket": Case(
        "R2CustomDomain",
        BUCKET | {"domain": "files.localhost", "zoneId": ZONE, "enabled": True, "minTls": "1.2"},
        (
            f"POST {B}/domains/custom",
            {"domain": "files.localhost", "enabled": True, "minTLS": "1.2", "zoneId": ZONE},
        ),
        {"minTls": "1.3"},
        (
            f"PUT {B}/domains/custom/files.localhost",
            {"domain": "files.localhost", "enabled": True, "minTLS": "1.3", "zoneId": ZONE},
        ),
        f"DELETE {B}/domains/custom/files.localhost",
        id="files.localhost",
        import_id=f"{ACCOUNT}/backups/files.localhost/default",
        replaced_by={"domain": "other.localhost", "zoneId": "c" * 32},
    ),
    "public address of a bucket": Case(
        "R2ManagedDomain",
        BUCKET | {"enabled": False},
        (f"PUT {B}/domains/managed", {"enabled": False}),
        {"enabled": True},
        (f"PUT {B}/domains/managed", {"enabled": True}),
        id="backups",
    ),
    "token of the account": Case(
        "AccountToken",
        {"accountId": ACCOUNT, "name": "backups", "policies": [POLICY], "expiresOn": "2027-01-01T00:00:00Z"},
        (
            f"POST {A}/tokens",
            {"expires_on": "2027-01-01T00:00:00Z", "name": "backups", "policies": [SENT_POLICY]},
        ),
        {"name": "backups-2"},
        (
            f"PUT {A}/tokens/{ID}",
            {
                "expires_on": "2027-01-01T00:00:00Z",
                "name": "backups-2",
                "policies": [SENT_POLICY],
            },
        ),
        f"DELETE {A}/tokens/{ID}",
        import_id=f"{ACCOUNT}/{ID}",
        replaced_by={"accountId": "c" * 32},
    ),
    "token of the user": Case(
        "ApiToken",
        {"name": "deploy", "policies": [POLICY]},
        ("POST /user/tokens", {"name": "deploy", "policies": [SENT_POLICY]}),
        ended=f"DELETE /user/tokens/{ID}",
        import_id=ID,
    ),
    "notification": Case(
        "NotificationPolicy",
        {
            "accountId": ACCOUNT,
            "name": "down",
            "alertType": "health_check_status_notification",
            "mechanisms": {"emails": [{"id": "ops@optic.works"}]},
            "filters": {"healthCheckIds": ["h"], "newHealths": ["unhealthy"]},
        },
        (
            f"POST {A}/alerting/v3/policies",
            {
                "alert_type": "health_check_status_notification",
                "enabled": True,
                "filters": {"health_check_id": ["h"], "new_health": ["unhealthy"]},
                "mechanisms": {"email": [{"id": "ops@optic.works"}]},
                "name": "down",
            },
        ),
        {"enabled": False},
        (
            f"PUT {A}/alerting/v3/policies/{ID}",
            {
                "alert_type": "health_check_status_notification",
                "enabled": False,
                "filters": {"health_check_id": ["h"], "new_health": ["unhealthy"]},
                "mechanisms": {"email": [{"id": "ops@optic.works"}]},
                "name": "down",
            },
        ),
        f"DELETE {A}/alerting/v3/policies/{ID}",
        import_id=f"{ACCOUNT}/{ID}",
    ),
    "webhook": Case(
        "NotificationPolicyWebhooks",
        {"accountId": ACCOUNT, "name": "chat", "url": "https://chat.localhost/hook", "secret": "hush"},
        (
            f"POST {A}/alerting/v3/destinations/webhooks",
            {"name": "chat", "secret": "hush", "url": "https://chat.localhost/hook"},
        ),
        {"name": "chat-2"},
        (
            f"PUT {A}/alerting/v3/destinations/webhooks/{ID}",
            {"name": "chat-2", "secret": "hush", "url": "https://chat.localhost/hook"},
        ),
        f"DELETE {A}/alerting/v3/destinations/webhooks/{ID}",
    ),
    "variant": Case(
        "ImageVariant",
        {"accountId": ACCOUNT, "imageVariantId": "card", "options": OPTIONS},
        (f"POST {A}/images/v1/variants", {"id": "card", "neverRequireSignedURLs": False, "options": OPTIONS}),
        {"options": OPTIONS | {"width": 640}},
        (f"PATCH {A}/images/v1/variants/card", {"options": {"width": 640}}),
        f"DELETE {A}/images/v1/variants/card",
        id="card",
        import_id=f"{ACCOUNT}/card",
        replaced_by={"imageVariantId": "hero"},
    ),
    "certificate for an origin": Case(
        "OriginCaCertificate",
        {
            "csr": "CSR",
            "hostnames": ["b.localhost", "a.localhost"],
            "requestType": "origin-ecc",
            "requestedValidity": 5475,
        },
        (
            "POST /certificates",
            {
                "csr": "CSR",
                "hostnames": ["b.localhost", "a.localhost"],
                "request_type": "origin-ecc",
                "requested_validity": 5475,
            },
        ),
        ended=f"DELETE /certificates/{ID}",
        import_id=ID,
        replaced_by={"csr": "OTHER", "requestedValidity": 365},
    ),
    "application": Case(
        "ZeroTrustAccessApplication",
        {
            "zoneId": ZONE,
            "name": "admin",
            "domain": "api.store.localhost/app",
            "type": "self_hosted",
            "policies": [{"id": "p1", "precedence": 1}],
            "allowedIdps": ["i2", "i1"],
        },
        (
            f"POST {Z}/access/apps",
            {
                "allowed_idps": ["i2", "i1"],
                "domain": "api.store.localhost/app",
                "name": "admin",
                "policies": [{"id": "p1", "precedence": 1}],
                "type": "self_hosted",
            },
        ),
        {"sessionDuration": "8h"},
        (
            f"PUT {Z}/access/apps/{ID}",
            {
                "allowed_idps": ["i2", "i1"],
                "domain": "api.store.localhost/app",
                "name": "admin",
                "policies": [{"id": "p1", "precedence": 1}],
                "session_duration": "8h",
                "type": "self_hosted",
            },
        ),
        f"DELETE {Z}/access/apps/{ID}",
        import_id=f"zones/{ZONE}/{ID}",
    ),
    "policy": Case(
        "ZeroTrustAccessPolicy",
        {"accountId": ACCOUNT, "name": "editors", "decision": "allow", "includes": GROUPS},
        (f"POST {A}/access/policies", {"decision": "allow", "include": SENT_GROUPS, "name": "editors"}),
        {"requires": [{"group": {"id": "g"}}]},
        (
            f"PUT {A}/access/policies/{ID}",
            {"decision": "allow", "include": SENT_GROUPS, "name": "editors", "require": [{"group": {"id": "g"}}]},
        ),
        f"DELETE {A}/access/policies/{ID}",
        import_id=f"{ACCOUNT}/{ID}",
    ),
    "group": Case(
        "ZeroTrustAccessGroup",
        {"accountId": ACCOUNT, "name": "everyone", "includes": [{"everyone": {}}]},
        (f"POST {A}/access/groups", {"include": [{"everyone": {}}], "name": "everyone"}),
        {"includes": GROUPS},
        (f"PUT {A}/access/groups/{ID}", {"include": SENT_GROUPS, "name": "everyone"}),
        f"DELETE {A}/access/groups/{ID}",
        import_id=f"accounts/{ACCOUNT}/{ID}",
    ),
    "token of a service": Case(
        "ZeroTrustAccessServiceToken",
        {"accountId": ACCOUNT, "name": "probe"},
        (f"POST {A}/access/service_tokens", {"name": "probe"}),
        {"duration": "forever"},
        (f"PUT {A}/access/service_tokens/{ID}", {"duration": "forever", "name": "probe"}),
        f"DELETE {A}/access/service_tokens/{ID}",
        import_id=f"accounts/{ACCOUNT}/{ID}",
    ),
    "identity provider": Case(
        "ZeroTrustAccessIdentityProvider",
        {
            "accountId": ACCOUNT,
            "name": "google",
            "type": "google",
            "config": {"clientId": "c", "clientSecret": "hush"},
        },
        (
            f"POST {A}/access/identity_providers",
            {"config": {"client_id": "c", "client_secret": "hush"}, "name": "google", "type": "google"},
        ),
        {"name": "google-2"},
        (
            f"PUT {A}/access/identity_providers/{ID}",
            {"config": {"client_id": "c", "client_secret": "hush"}, "name": "google-2", "type": "google"},
        ),
        f"DELETE {A}/access/identity_providers/{ID}",
    ),
}
