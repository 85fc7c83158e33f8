"""Defaults that follow from other settings, for keys that a stack does not set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from components.settings.keys import Environment, StripeMode

Known = dict[str, Any]


def shares_zone(known: Known) -> bool:
    """Whether the stack lives in production's zone without being production."""
    return known["environment"] is not Environment.PRODUCTION and known["domain"] == known["production_domain"]


def host(part: str) -> Callable[[Known], str]:
    """PART.DOMAIN; PART-ENVIRONMENT.DOMAIN for a stack that shares the zone with production."""

    def derive(known: Known) -> str:
        suffix = f"-{known['environment']}" if shares_zone(known) else ""
        return f"{part}{suffix}.{known['domain']}"

    return derive


def usual_hosts(known: Known) -> tuple[tuple[str, str, str], ...]:
    """Key, attribute and usual value of the two host names that a stack has to set."""
    domain, environment = known["domain"], known["environment"]
    storefront = f"{environment}.{domain}" if shares_zone(known) else domain
    return ("storefrontHost", "storefront_host", storefront), ("apiHost", "api_host", host("api")(known))


def _environment(known: Known) -> Environment | None:
    return Environment(known["stack"]) if known["stack"] in set(Environment) else None


def _bucket(known: Known) -> str:
    return "opticworks-backups" + ("-staging" if known["environment"] is Environment.STAGING else "")


ZONE = ("environment", "domain", "production_domain")

DERIVED: dict[str, tuple[tuple[str, ...], Callable[[Known], Any]]] = {
    "environment": (("stack",), _environment),
    "metrics_host": (ZONE, host("metrics")),
    "status_host": (ZONE, host("status")),
    "backups_bucket": (("environment",), _bucket),
    "r2_endpoint": (
        ("cloudflare_account_id",),
        lambda known: f"https://{known['cloudflare_account_id']}.r2.cloudflarestorage.com",
    ),
    "database_name": (("environment",), lambda known: f"medusa-{known['environment']}"),
    "stripe_mode": (
        ("environment",),
        lambda known: StripeMode.LIVE if known["environment"] is Environment.PRODUCTION else StripeMode.TEST,
    ),
}
"""By attribute: the attributes that the default follows from, and how."""

LIKELY: dict[str, tuple[tuple[str, ...], Callable[[Known], Any]]] = {
    "storefront_host": (ZONE, lambda known: usual_hosts(known)[0][2]),
    "api_host": (ZONE, lambda known: usual_hosts(known)[1][2]),
    "production_domain": (("domain",), lambda known: known["domain"]),
}
"""The same for values that an error proposes and nobody but the stack's owner sets."""


def derived(attribute: str, known: Known) -> Any:
    """The default, or None: there is none, or what it follows from is missing or wrong itself."""
    return _value(DERIVED, attribute, known)


def likely(attribute: str, known: Known) -> str:
    """A better example than the key's own, "" when there is none."""
    found = _value({**DERIVED, **LIKELY}, attribute, known)
    return "" if found is None else str(found)


def follows_from_wrong(attribute: str, known: Known) -> bool:
    """Whether a default is only missing because another setting is: that one is reported, this one needs no word."""
    return attribute in DERIVED and not all(need in known for need in DERIVED[attribute][0])


def _value(table: dict[str, tuple[tuple[str, ...], Callable[[Known], Any]]], attribute: str, known: Known) -> Any:
    if attribute not in table:
        return None
    needs, derive = table[attribute]
    return derive(known) if all(need in known for need in needs) else None
