"""What policies say about a visitor; pure.

A selector that cannot be decided here (a list, another provider's group, a device's posture) lets nobody in by
``include`` or ``require``, and shuts out whoever it stands in ``exclude`` for.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

Policy = Mapping[str, Any]
Rule = Mapping[str, Any]
Groups = Mapping[str, Mapping[str, Any]]

WITHOUT_IDENTITY = ("bypass", "non_identity")
WITH_IDENTITY = ("allow", "deny")
ABSENT = frozenset({"certificate", "common_name"})
"""Client certificates, which nobody presents to this edge."""
MORE = ("approval_required", "isolation_required", "purpose_justification_required")
"""What a policy may ask for beyond a login; nobody can give it here, so nobody passes."""
MAX_DEPTH = 16
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Visitor:
    """What is known of who makes a request; ``method`` is the identity provider's id, ``token`` a service token's."""

    ip: str
    country: str = "XX"
    email: str | None = None
    method: str | None = None
    token: str | None = None


def before_login(policies: Iterable[Policy], visitor: Visitor, groups: Groups) -> Policy | None:
    """The first policy that lets a visitor pass without an identity; these come before all others."""
    unknown = replace(visitor, email=None, method=None)
    for policy in policies:
        if policy.get("decision") in WITHOUT_IDENTITY and matches(policy, unknown, groups):
            return policy
    return None


def after_login(policies: Iterable[Policy], visitor: Visitor, groups: Groups) -> Policy | None:
    """The policy that lets a visitor with an identity in; None if one denies it first, or none speaks of it."""
    for policy in policies:
        if policy.get("decision") in WITH_IDENTITY and matches(policy, visitor, groups):
            return policy if policy["decision"] == "allow" and not any(map(policy.get, MORE)) else None
    return None


def asks_identity(policies: Iterable[Policy]) -> bool:
    """Whether a login could let anybody in."""
    return any(policy.get("decision") == "allow" for policy in policies)


def still_holds(policy: Policy, visitor: Visitor) -> bool:
    """Whether what is not of the identity (address, country) still lets a visitor in.

    These are looked at with every request; the identity only when a token is issued.
    """
    moving = ("ip", "geo")

    def told(part: str) -> list[bool | None]:
        return [_selected(rule, visitor, {}, 0) for rule in policy.get(part) or () if _kind(rule) in moving]

    include = told("include")
    if include and len(include) == len(policy["include"]) and not any(include):
        return False
    return all(told("require")) and not any(told("exclude"))


def matches(rules: Policy, visitor: Visitor, groups: Groups) -> bool:
    """Whether a policy speaks of a visitor: any of ``include``, all of ``require``, none of ``exclude``."""
    return _judged(rules, visitor, groups, 0) is True


def _judged(rules: Policy, visitor: Visitor, groups: Groups, depth: int) -> bool | None:
    def told(part: str) -> list[bool | None]:
        return [_selected(rule, visitor, groups, depth) for rule in rules.get(part) or ()]

    excluded = _any(told("exclude"))
    return _all([_any(told("include")), _all(told("require")), None if excluded is None else not excluded])


def _any(values: list[bool | None]) -> bool | None:
    return True if True in values else None if None in values else False


def _all(values: list[bool | None]) -> bool | None:
    return False if False in values else None if None in values else True


def _kind(rule: Rule) -> str:
    return next((name for name, value in rule.items() if value is not None), "")


def _selected(rule: Rule, visitor: Visitor, groups: Groups, depth: int) -> bool | None:
    """Whether a selector is true of a visitor; None if that cannot be known here."""
    kind = _kind(rule)
    value = rule.get(kind) or {}
    email = (visitor.email or "").lower()
    match kind:
        case "everyone":
            return True
        case "email":
            return bool(email) and email == str(value.get("email", "")).lower()
        case "email_domain":
            return bool(email) and email.rpartition("@")[2] == str(value.get("domain", "")).lower().lstrip("@")
        case "ip":
            return _inside(visitor.ip, str(value.get("ip", "")))
        case "geo":
            return visitor.country == value.get("country_code")
        case "service_token":
            return visitor.token is not None and visitor.token == value.get("token_id")
        case "any_valid_service_token":
            return visitor.token is not None
        case "login_method":
            return visitor.method is not None and visitor.method == value.get("id")
        case "group":
            group = groups.get(str(value.get("id")))
            return None if group is None or depth >= MAX_DEPTH else _judged(group, visitor, groups, depth + 1)
    if kind in ABSENT:
        return False
    logger.warning("Access: the selector %s is not known here; it lets nobody in", kind or rule)
    return None


def _inside(address: str, network: str) -> bool | None:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return None
