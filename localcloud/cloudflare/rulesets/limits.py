"""What a rate limiting rule of a zone may be; pure.

Source: Cloudflare's documentation, WAF, "Rate limiting rules: availability" and "parameters". The embedded zones are on
the plan business, as their details tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localcloud.cloudflare.errors import ApiError

Invalid = Callable[[str, str, int], ApiError]

MAX_RULES = 5
SUPPORTED = (10, 15, 20, 30, 40, 45, 60, 90, 120, 180, 240, 300, 480, 600, 900, 1200, 1800, 2400, 3600, 65535, 86400)
PERIODS = tuple(seconds for seconds in SUPPORTED if seconds <= 600)
COLO = "cf.colo.id"
"""Each data center counts for itself, and a rule has to say so."""
CLIENTS = ("ip.src", "cf.unique_visitor_id")
CHALLENGES = ("challenge", "js_challenge", "managed_challenge")


def check(limit: Any, action: str, pointer: str, invalid: Invalid) -> None:
    """:raises ApiError: as ``invalid`` makes it of a message, a pointer and a code."""
    if not isinstance(limit, dict):
        raise invalid("ratelimit is required for rules of phase http_ratelimit", pointer, 20021)
    _characteristics(limit.get("characteristics"), f"{pointer}/characteristics", invalid)
    if limit.get("period") not in PERIODS:
        told = ", ".join(map(str, PERIODS))
        text = f"'{limit.get('period')}' is not a valid value for period: it is one of {told}"
        raise invalid(text, f"{pointer}/period", 20155)
    if not limit.get("requests_per_period"):
        raise invalid("requests_per_period is required", f"{pointer}/requests_per_period", 20021)
    _pause(limit.get("mitigation_timeout"), action, f"{pointer}/mitigation_timeout", invalid)


def _characteristics(found: Any, pointer: str, invalid: Invalid) -> None:
    if not isinstance(found, list) or not found:
        raise invalid("characteristics must not be empty", pointer, 20021)
    if COLO not in found:
        raise invalid(f"characteristics must contain {COLO}", pointer, 20021)
    others = [one for one in found if one != COLO]
    for one in others:
        if one not in CLIENTS:
            raise invalid(f"not entitled to use the characteristic {one}", pointer, 20021)
    if len(others) != 1:
        raise invalid(f"characteristics must contain one of {' and '.join(CLIENTS)} beside {COLO}", pointer, 20021)


def _pause(seconds: Any, action: str, pointer: str, invalid: Invalid) -> None:
    """Who passes a challenge goes on at once; who is blocked or noted is so for a while."""
    if action in CHALLENGES:
        if seconds:
            raise invalid(f"mitigation_timeout must be 0 with the action {action}", pointer, 20021)
    elif seconds not in SUPPORTED:
        told = ", ".join(map(str, SUPPORTED))
        raise invalid(f"'{seconds}' is not a valid value for mitigation_timeout: it is one of {told}", pointer, 20021)
