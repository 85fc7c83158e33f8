"""What Cloudflare's plans hold, as far as the store depends on it, and what a stack's plan therefore leaves out.

Sources: Cloudflare's documentation as of November 2026: WAF, "Rate limiting rules: availability" (rules, periods,
mitigation timeouts and fields by plan); Health Checks, "availability" (Pro and above); Images, "pricing" (variants and
delivery belong to the paid product). What Workers' plans hold is in components/storefront/limits.
"""

from __future__ import annotations

from dataclasses import dataclass

from components.settings import CloudflarePlan, Settings
from components.storefront.limits import FREE, MIB, PAID


@dataclass(frozen=True)
class RateLimits:
    """Rate limiting rules (phase http_ratelimit) of a zone."""

    rules: int
    periods: tuple[int, ...]
    """Seconds over which requests are counted; no others are taken."""
    timeouts: tuple[int, ...]
    """Seconds for which somebody above the limit is refused."""
    by_host: bool
    """Whether a rule may look at the host name; it may always look at the path."""
    by_method: bool
    """Whether a rule may look at the method."""


@dataclass(frozen=True)
class Limits:
    """What one plan of a zone holds."""

    rate_limits: RateLimits
    health_checks: int
    """How many a zone may have."""


UP_TO_A_MINUTE = (10, 60)
UP_TO_AN_HOUR = (10, 60, 120, 300, 600, 3600)

LIMITS: dict[CloudflarePlan, Limits] = {
    CloudflarePlan.FREE: Limits(RateLimits(1, (10,), (10,), by_host=False, by_method=False), health_checks=0),
    CloudflarePlan.PRO: Limits(
        RateLimits(2, UP_TO_A_MINUTE, UP_TO_AN_HOUR, by_host=True, by_method=False), health_checks=10
    ),
    CloudflarePlan.BUSINESS: Limits(
        RateLimits(5, (10, 60, 120, 300, 600), (*UP_TO_AN_HOUR, 86400), by_host=True, by_method=True), health_checks=50
    ),
}

RANK = {"free": 0, "pro": 1, "business": 2, "enterprise": 3}
"""Plans of a zone from the least to the most; names are those of the API (`legacy_id`)."""


def limits(plan: CloudflarePlan | str) -> Limits:
    """The limits of a plan. Raises ValueError for a name that is none."""
    return LIMITS[CloudflarePlan(plan)]


def covers(actual: str, wanted: CloudflarePlan | str) -> bool:
    """Whether a zone on the plan `actual` holds what is declared for `wanted`; a plan nobody knows may well."""
    return RANK.get(actual, len(RANK)) >= RANK[str(wanted)]


def left_out(settings: Settings) -> list[str]:
    """What is not declared because the account has no place for it, one sentence each; what a stack does not own,
    such as the rules of a zone that it shares, is not among it."""
    found = []
    holds = limits(settings.cloudflare_plan)
    if not holds.health_checks:
        found.append("cloudflarePlan free has no health checks: nobody looks at the API from outside.")
    elif not settings.alert_emails:
        found.append("alertEmails is empty: nobody is told when the health check fails.")
    if settings.owns_zone:
        if not holds.rate_limits.by_host:
            found.append(
                "cloudflarePlan free takes one rate limit, by path and over 10 seconds: login and checkout share it."
            )
        elif not holds.rate_limits.by_method:
            found.append("cloudflarePlan pro limits no rate by method: a browser's preflights count as well.")
    if not settings.cloudflare_images:
        found.append("cloudflareImages is false: no variants; the storefront serves pictures as they are.")
    elif settings.owns_zone and settings.image_variants_elsewhere:
        found.append("imageVariantsElsewhere is true: another stack of the account declares the image variants.")
    if not settings.workers_paid:
        free, paid = (each.compressed // MIB for each in (FREE, PAID))
        found.append(
            f"workersPaid is false: the storefront's Worker may have {free} MiB compressed, in place of {paid}."
        )
    return found


def owner(settings: Settings) -> str:
    """Who has what the zone can have only once, for whoever reads a preview."""
    domain = settings.domain
    if not settings.owns_zone:
        return (
            f"Zone {domain} belongs to production: its settings and rules are declared there, for "
            f"{settings.storefront_host} and {settings.api_host} too when production's stagingStorefrontHost, "
            "stagingApiHost and stagingOriginSecret say so. This stack declares its own records only."
        )
    shared = [host for host in (settings.staging_storefront_host, settings.staging_api_host) if host]
    also = f", for {' and '.join(shared)} too" if shared else ""
    return f"This stack owns zone {domain}: the zone's settings and rules are declared here{also}."
