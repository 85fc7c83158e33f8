"""What belongs to a zone: records, settings, rulesets, health checks."""

from __future__ import annotations

from typing import ClassVar

from localcloud.plugins.base.operations import Failure
from localcloud.plugins.base.values import Properties, Value, is_unknown
from localcloud.plugins.cloudflare.resource import CloudflareResource
from localcloud.plugins.cloudflare.rest import Rest


def covers(state: Value, new: Value) -> bool:
    """Whether a setting's value has everything that the program says; the API adds members of its own to objects."""
    if isinstance(state, dict) and isinstance(new, dict):
        return all(covers(state.get(name), value) for name, value in new.items())
    if isinstance(state, list) and isinstance(new, list):
        return len(state) == len(new) and all(map(covers, state, new))
    return bool(state == new and isinstance(state, bool) == isinstance(new, bool))


class DnsRecord(CloudflareResource):
    """A record. The API tells full names, so that a relative name differs after a refresh, with the provider too."""

    rest: ClassVar[Rest] = Rest(
        "DnsRecord",
        "/zones/{zoneId}/dns_records",
        replace=frozenset({"zoneId", "type"}),
        import_id="{zoneId}/{id}",
        defaults={"proxied": False},
        plain=frozenset({"comment", "priority"}),
        unsent=frozenset({"includeShadowMetadata"}),
        unordered=frozenset({"tags"}),
    )

    def validate(self, inputs: Properties) -> list[Failure]:
        proxied, ttl = inputs.get("proxied"), inputs.get("ttl")
        if proxied is True and not is_unknown(ttl) and ttl != 1:
            return [Failure("ttl", f"ttl must be set to 1 when proxied is true, got {ttl}")]
        return []


ZONE = Rest(
    "Zone",
    "/zones",
    update="PATCH",
    replace=frozenset({"name", "account"}),
    import_id="{id}",
)
SETTING = Rest(
    "ZoneSetting",
    "/zones/{zoneId}/settings/{settingId}",
    item="/zones/{zoneId}/settings/{settingId}",
    id="settingId",
    create="PATCH",
    update="PATCH",
    delete=False,
    replace=frozenset({"zoneId", "settingId"}),
    import_id="{zoneId}/{settingId}",
    same={"value": covers},
)
RULESET = Rest(
    "Ruleset",
    "/{scope}/rulesets",
    replace=frozenset({"accountId", "zoneId", "name", "kind", "phase"}),
    import_id="{scope}/{scopeId}/{id}",
    defaults={"description": ""},
)
HEALTHCHECK = Rest(
    "Healthcheck",
    "/zones/{zoneId}/healthchecks",
    replace=frozenset({"zoneId"}),
    import_id="{zoneId}/{id}",
    defaults={
        "consecutiveFails": 1,
        "consecutiveSuccesses": 1,
        "interval": 60,
        "retries": 2,
        "suspended": False,
        "timeout": 5,
        "type": "HTTP",
    },
    # Regions that the API chose are a difference until the program names them.
    plain=frozenset({"checkRegions", "tcpConfig"}),
)
DNSSEC = Rest(
    "ZoneDnssec",
    "/zones/{zoneId}/dnssec",
    item="/zones/{zoneId}/dnssec",
    id="zoneId",
    create="PATCH",
    update="PATCH",
    replace=frozenset({"zoneId"}),
    import_id="{zoneId}",
)
MANAGED_TRANSFORMS = Rest(
    "ManagedTransforms",
    "/zones/{zoneId}/managed_headers",
    item="/zones/{zoneId}/managed_headers",
    id="zoneId",
    create="PATCH",
    update="PATCH",
    replace=frozenset({"zoneId"}),
    import_id="{zoneId}",
    unordered=frozenset({"managedRequestHeaders", "managedResponseHeaders"}),
)

PLAIN = (ZONE, SETTING, RULESET, HEALTHCHECK, DNSSEC, MANAGED_TRANSFORMS)
SPECIAL = (DnsRecord,)
