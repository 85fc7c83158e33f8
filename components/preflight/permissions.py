"""What the stack's Cloudflare token must be allowed, and how that is found out before anything is declared.

Each permission is tried by reading what it opens: a token that may not even read is found here, with the permission's
name on the dashboard. One that may read and not write is found by the first change only: the API has no way to ask.
Which permissions are needed follows from what the stack declares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from components.plan import limits
from components.preflight.questions import Question
from components.settings import Settings


@dataclass(frozen=True)
class Permission:
    """One row of a token on the dashboard."""

    name: str
    question: Question
    product: str = ""
    """What has to be switched on in the account first, where that is so."""


SETTINGS = "Zone → Zone Settings → Edit"
RULES = "Zone → Transform Rules → Edit, Zone → Cache Rules → Edit and Zone → Zone WAF → Edit"
"""One list shows the rulesets of all three to whoever has one of them."""


def needed(settings: Settings, zone_id: str) -> Iterator[Permission]:
    """Everything that the stack's token has to have beside Zone → Zone → Read."""
    zone = {"zoneId": zone_id, "maxItems": 1}
    account = {"accountId": settings.cloudflare_account_id, "maxItems": 1}
    holds = limits(settings.cloudflare_plan)

    yield Permission("Zone → DNS → Edit", Question("getDnsRecords", zone))
    yield Permission("Zone → SSL and Certificates → Edit", Question("getOriginCaCertificates", zone))
    if settings.owns_zone:
        ssl = Question("getZoneSetting", {"zoneId": zone_id, "settingId": "ssl"})
        yield Permission(SETTINGS, ssl)
        yield Permission(RULES, Question("getRulesets", {"zoneId": zone_id}))
    if holds.health_checks:
        yield Permission("Zone → Health Checks → Edit", Question("getHealthchecks", zone))
        if settings.alert_emails:
            yield Permission("Account → Notifications → Edit", Question("getNotificationPolicies", account))

    yield Permission("Account → Workers Scripts → Edit", Question("getWorkers", account))
    yield Permission("Account → Workers KV Storage → Edit", Question("getWorkersKvNamespaces", account))
    bucket = {"accountId": settings.cloudflare_account_id, "bucketName": settings.backups_bucket}
    yield Permission("Account → Workers R2 Storage → Edit", Question("getR2Bucket", bucket), "R2")
    yield Permission("Account → Account API Tokens → Edit", Question("getAccountTokens", account))
    for name, function in (
        ("Apps and Policies", "getZeroTrustAccessApplications"),
        ("Organizations, Identity Providers, and Groups", "getZeroTrustAccessGroups"),
        ("Service Tokens", "getZeroTrustAccessServiceTokens"),
    ):
        yield Permission(f"Account → Access: {name} → Edit", Question(function, account), "Zero Trust")
    if settings.owns_variants:
        yield Permission("Account → Cloudflare Images → Edit", Question("getImages", account), "Images")
