"""One case for each plain resource of the cloudflare plugin: what it is made of, what is sent, how it changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from localcloud.plugins.base.values import Properties
from tests.contract.plugins.cloudflare_stub import ACCOUNT, ZONE

A = f"/accounts/{ACCOUNT}"
Z = f"/zones/{ZONE}"
ID = f"{1:032x}"


@dataclass
class Case:
    """Inputs, the call and body that make it, a change in place with its call and body, and the call that ends it."""

    kind: str
    inputs: Properties
    made: tuple[str, Any]
    changed: Properties = field(default_factory=dict)
    change: tuple[str, Any] = ("", None)
    ended: str = ""
    """Empty: nothing is sent."""
    id: str = ID
    import_id: str = ""
    replaced_by: Properties = field(default_factory=dict)
    """Changes that need a new one, each on its own."""


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
                "settings": {},
                "tags": [],
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
}
