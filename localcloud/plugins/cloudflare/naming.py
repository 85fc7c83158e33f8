"""Names on the wire. Pulumi writes Terraform's ``status_code_ttl`` as ``statusCodeTtls`` when it is a list; the API has
snake case nearly everywhere, camel case for R2 and Images."""

from __future__ import annotations

import re
from functools import cache

# Lists whose name is singular in the API, by Pulumi's plural; the same wherever they occur.
_SINGULAR = {
    "checkPresences": "check_presence",
    "emails": "email",
    "excludes": "exclude",
    "includes": "include",
    "ingresses": "ingress",
    "ins": "in",
    "lists": "list",
    "nameByIdps": "name_by_idp",
    "notIns": "not_in",
    "pagerduties": "pagerduty",
    "requires": "require",
    "serviceAuth401Redirect": "service_auth_401_redirect",
    "statusCodeTtls": "status_code_ttl",
    "targetCriterias": "target_criteria",
    "userRiskScores": "user_risk_score",
}
# A notification's filters are singular but for these.
_PLURAL_FILTERS = frozenset(
    {
        "actions",
        "affectedAsns",
        "affectedComponents",
        "affectedLocations",
        "alertTriggerPreferences",
        "popNames",
        "selectors",
        "services",
        "trafficExclusions",
        "zones",
    }
)
_FILTERS = {
    "alertTriggerPreferencesValues": "alert_trigger_preferences_value",
    "groupBies": "group_by",
    "insightClasses": "insight_class",
    "newStatuses": "new_status",
    "statuses": "status",
}
# Directives of Cache-Control, as set_cache_control takes them.
_DIRECTIVES = {
    "maxAge": "max-age",
    "mustRevalidate": "must-revalidate",
    "mustUnderstand": "must-understand",
    "noCache": "no-cache",
    "noStore": "no-store",
    "noTransform": "no-transform",
    "proxyRevalidate": "proxy-revalidate",
    "sMaxage": "s-maxage",
    "staleIfError": "stale-if-error",
    "staleWhileRevalidate": "stale-while-revalidate",
}
_CAMEL = {
    "minTls": "minTLS",
    "neverRequireSignedUrls": "neverRequireSignedURLs",
    "requireSignedUrls": "requireSignedURLs",
}


def snake(name: str) -> str:
    """``zone_id`` of ``zoneId``."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


@cache
def wire(owner: str, name: str) -> str:
    """The API's name of a property of a resource or type."""
    if owner.startswith(("R2", "Image")):
        return _CAMEL.get(name, name)
    if owner == "NotificationPolicyFilters" and name not in _PLURAL_FILTERS:
        return _FILTERS.get(name) or snake(name).removesuffix("s")
    if owner == "RulesetRuleActionParameters" and name in _DIRECTIVES:
        return _DIRECTIVES[name]
    if owner.endswith("Annotations") and name.startswith("workers"):
        return "workers/" + snake(name.removeprefix("workers"))
    return _SINGULAR.get(name) or snake(name)
