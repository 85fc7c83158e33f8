"""One case for each plain resource of the cloudflare plugin: what it is made of, what is sent, how it changes."""

from __future__ import annotations

from tests.contract.plugins.cloudflare_case import ID, A, Case, Z
from tests.contract.plugins.cloudflare_more_cases import OTHER_CASES
from tests.contract.plugins.cloudflare_stub import ACCOUNT, ZONE

REWRITE = {"ref": "other", "action": "rewrite", "expression": "false", "enabled": False}
ROOT_PATH = {"uri": {"path": {"value": "/"}}}

CASES: dict[str, Case] = {
    "dns record": Case(
        "DnsRecord",
        {"zoneId": ZONE, "name": "api.store.localhost", "type": "A", "content": "192.0.2.1", "ttl": 1, "proxied": True},
        (
            f"POST {Z}/dns_records",
            {"content": "192.0.2.1", "name": "api.store.localhost", "proxied": True, "ttl": 1, "type": "A"},
        ),
        {"comment": "by hand"},
        (
            f"PUT {Z}/dns_records/{ID}",
            {
                "comment": "by hand",
                "content": "192.0.2.1",
                "name": "api.store.localhost",
                "proxied": True,
                "ttl": 1,
                "type": "A",
            },
        ),
        f"DELETE {Z}/dns_records/{ID}",
        import_id=f"{ZONE}/{ID}",
        replaced_by={"type": "AAAA", "zoneId": "c" * 32},
    ),
    "setting of a zone": Case(
        "ZoneSetting",
        {"zoneId": ZONE, "settingId": "min_tls_version", "value": "1.2"},
        (f"PATCH {Z}/settings/min_tls_version", {"value": "1.2"}),
        {"value": "1.3"},
        (f"PATCH {Z}/settings/min_tls_version", {"value": "1.3"}),
        id="min_tls_version",
        import_id=f"{ZONE}/min_tls_version",
        replaced_by={"settingId": "ssl"},
    ),
    "security header": Case(
        "ZoneSetting",
        {
            "zoneId": ZONE,
            "settingId": "security_header",
            "value": {"strict_transport_security": {"enabled": True, "max_age": 31536000}},
        },
        (
            f"PATCH {Z}/settings/security_header",
            {"value": {"strict_transport_security": {"enabled": True, "max_age": 31536000}}},
        ),
        id="security_header",
        import_id=f"{ZONE}/security_header",
    ),
    "bucket": Case(
        "R2Bucket",
        {"accountId": ACCOUNT, "name": "backups", "location": "weur"},
        (f"POST {A}/r2/buckets", {"locationHint": "weur", "name": "backups", "storageClass": "Standard"}),
        {"storageClass": "InfrequentAccess"},
        (f"PATCH {A}/r2/buckets/backups", None),
        f"DELETE {A}/r2/buckets/backups",
        id="backups",
        import_id=f"{ACCOUNT}/backups/default",
        replaced_by={"name": "other", "location": "eeur"},
    ),
    "namespace": Case(
        "WorkersKvNamespace",
        {"accountId": ACCOUNT, "title": "cache"},
        (f"POST {A}/storage/kv/namespaces", {"title": "cache"}),
        {"title": "cache-2"},
        (f"PUT {A}/storage/kv/namespaces/{ID}", {"title": "cache-2"}),
        f"DELETE {A}/storage/kv/namespaces/{ID}",
        import_id=f"{ACCOUNT}/{ID}",
        replaced_by={"mode": "instant"},
    ),
    "ruleset": Case(
        "Ruleset",
        {
            "zoneId": ZONE,
            "name": "origin",
            "kind": "zone",
            "phase": "http_request_late_transform",
            "rules": [
                {
                    "ref": "secret",
                    "action": "rewrite",
                    "expression": "true",
                    "actionParameters": {"headers": {"x-origin": {"operation": "set", "value": "s"}}},
                }
            ],
        },
        (
            f"POST {Z}/rulesets",
            {
                "description": "",
                "kind": "zone",
                "name": "origin",
                "phase": "http_request_late_transform",
                "rules": [
                    {
                        "ref": "secret",
                        "action": "rewrite",
                        "expression": "true",
                        "action_parameters": {"headers": {"x-origin": {"operation": "set", "value": "s"}}},
                    }
                ],
            },
        ),
        {"rules": [REWRITE | {"actionParameters": ROOT_PATH}]},
        (
            f"PUT {Z}/rulesets/{ID}",
            {
                "description": "",
                "kind": "zone",
                "name": "origin",
                "phase": "http_request_late_transform",
                "rules": [REWRITE | {"action_parameters": ROOT_PATH}],
            },
        ),
        f"DELETE {Z}/rulesets/{ID}",
        import_id=f"zones/{ZONE}/{ID}",
        replaced_by={"phase": "http_ratelimit", "name": "n", "kind": "custom"},
    ),
    "health check": Case(
        "Healthcheck",
        {"zoneId": ZONE, "name": "api", "address": "api.example.com", "httpConfig": {"path": "/health"}},
        (
            f"POST {Z}/healthchecks",
            {
                "address": "api.example.com",
                "consecutive_fails": 1,
                "consecutive_successes": 1,
                "http_config": {"path": "/health"},
                "interval": 60,
                "name": "api",
                "retries": 2,
                "suspended": False,
                "timeout": 5,
                "type": "HTTP",
            },
        ),
        {"interval": 30, "checkRegions": ["WEU"]},
        (
            f"PUT {Z}/healthchecks/{ID}",
            {
                "address": "api.example.com",
                "check_regions": ["WEU"],
                "consecutive_fails": 1,
                "consecutive_successes": 1,
                "http_config": {"path": "/health"},
                "interval": 30,
                "name": "api",
                "retries": 2,
                "suspended": False,
                "timeout": 5,
                "type": "HTTP",
            },
        ),
        f"DELETE {Z}/healthchecks/{ID}",
        import_id=f"{ZONE}/{ID}",
        replaced_by={"zoneId": "c" * 32},
    ),
    "worker": Case(
        "Worker",
        {"accountId": ACCOUNT, "name": "storefront", "observability": {"enabled": True}, "tags": ["b", "a"]},
        (f"POST {A}/workers/workers", {"name": "storefront", "observability": {"enabled": True}, "tags": ["b", "a"]}),
        {"logpush": True, "observability": {"enabled": False}},
        (
            f"PUT {A}/workers/workers/{ID}",
            {
                "logpush": True,
                "name": "storefront",
                "observability": {"enabled": False},
                "tags": ["b", "a"],
            },
        ),
        f"DELETE {A}/workers/workers/{ID}",
        import_id=f"{ACCOUNT}/{ID}",
        replaced_by={"accountId": "c" * 32},
    ),
    "deployment": Case(
        "WorkersDeployment",
        {
            "accountId": ACCOUNT,
            "scriptName": "storefront",
            "strategy": "percentage",
            "versions": [{"versionId": "v2", "percentage": 10}, {"versionId": "v1", "percentage": 90}],
            "annotations": {"workersMessage": "ten percent"},
        },
        (
            f"POST {A}/workers/scripts/storefront/deployments",
            {
                "annotations": {"workers/message": "ten percent"},
                "strategy": "percentage",
                "versions": [{"version_id": "v2", "percentage": 10}, {"version_id": "v1", "percentage": 90}],
            },
        ),
        import_id=f"{ACCOUNT}/storefront/{ID}",
        replaced_by={"scriptName": "other"},
    ),
    "custom domain": Case(
        "WorkersCustomDomain",
        {"accountId": ACCOUNT, "hostname": "store.localhost", "service": "storefront", "zoneId": ZONE},
        (
            f"PUT {A}/workers/domains",
            {"hostname": "store.localhost", "service": "storefront", "zone_id": ZONE},
        ),
        ended=f"DELETE {A}/workers/domains/{ID}",
        import_id=f"{ACCOUNT}/{ID}",
        replaced_by={"hostname": "shop.localhost", "service": "other", "zoneId": "c" * 32},
    ),
    "route": Case(
        "WorkersRoute",
        {"zoneId": ZONE, "pattern": "store.localhost/*", "script": "storefront"},
        (f"POST {Z}/workers/routes", {"pattern": "store.localhost/*", "script": "storefront"}),
        {"pattern": "*.store.localhost/*"},
        (f"PUT {Z}/workers/routes/{ID}", {"pattern": "*.store.localhost/*", "script": "storefront"}),
        f"DELETE {Z}/workers/routes/{ID}",
        import_id=f"{ZONE}/{ID}",
        replaced_by={"zoneId": "c" * 32},
    ),
    "schedules": Case(
        "WorkersCronTrigger",
        {"accountId": ACCOUNT, "scriptName": "jobs", "schedules": [{"cron": "*/5 * * * *"}, {"cron": "0 3 * * *"}]},
        (f"PUT {A}/workers/scripts/jobs/schedules", [{"cron": "*/5 * * * *"}, {"cron": "0 3 * * *"}]),
        {"schedules": [{"cron": "0 4 * * *"}]},
        (f"PUT {A}/workers/scripts/jobs/schedules", [{"cron": "0 4 * * *"}]),
        id="jobs",
        import_id=f"{ACCOUNT}/jobs",
        replaced_by={"scriptName": "other"},
    ),
    "subdomain of a script": Case(
        "WorkersScriptSubdomain",
        {"accountId": ACCOUNT, "scriptName": "jobs", "enabled": False},
        (f"POST {A}/workers/scripts/jobs/subdomain", {"enabled": False}),
        {"previewsEnabled": True},
        (f"POST {A}/workers/scripts/jobs/subdomain", {"enabled": False, "previews_enabled": True}),
        f"DELETE {A}/workers/scripts/jobs/subdomain",
        id="jobs",
        import_id=f"{ACCOUNT}/jobs",
        replaced_by={"scriptName": "other"},
    ),
} | OTHER_CASES
