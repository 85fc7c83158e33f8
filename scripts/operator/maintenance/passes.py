"""Passes: a link that lets its holder see the store while it is closed.

The form is the Worker's (components/storefront/worker/src/passes.ts): `v1.EXPIRES.HOLDER.MAC`, at most a day ahead.
"""

from __future__ import annotations

import base64
import getpass
import hmac
import re

from scripts.operator.engine import PROJECT, Engine
from scripts.operator.errors import OperatorError, UsageProblem

HOLDER = re.compile(r"[A-Za-z0-9@._+-]{1,64}")
LONGEST_HOURS = 24.0
SLACK_SECONDS = 60
"""By which a clock here may be ahead of Cloudflare's: a pass of more than a day is refused there."""


def secret(engine: Engine) -> str:
    """What the stack's passes are signed with. Only whoever can read the stack's secrets makes passes."""
    entry = engine.config(show_secrets=True).get(f"{PROJECT}:passSecret") or {}
    if not entry.get("value"):
        raise OperatorError(
            f"stack {engine.stack} has no passSecret",
            advice=f"scripts/store secrets generate -s {engine.stack} && pulumi up -s {engine.stack}",
        )
    return str(entry["value"])


def holder(given: str) -> str:
    """Who the pass is made out to: as given, else who calls."""
    found = given
    if not found:
        try:
            found = getpass.getuser()
        except (OSError, KeyError):  # a container's user without a name
            found = "operator"
    if not HOLDER.fullmatch(found):
        raise UsageProblem(
            f"--for {found}: 1 to 64 of letters, digits and @._+- are wanted",
            advice="for example --for ada@optic.works",
        )
    return found


def expiry(hours: float, now: float) -> int:
    """Seconds since 1970 at which a pass of so many hours ends."""
    if not 0 < hours <= LONGEST_HOURS:
        raise UsageProblem(
            f"--hours {hours:g}: more than 0 and at most {LONGEST_HOURS:g} are wanted",
            advice="make a new pass when it has ended",
        )
    return int(now + min(hours * 3600, LONGEST_HOURS * 3600 - SLACK_SECONDS))


def token(secret: str, holder: str, expires: int) -> str:
    """The pass."""
    signed = f"v1.{expires}.{holder}"
    mac = hmac.digest(secret.encode(), f"store-pass:{signed}".encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
