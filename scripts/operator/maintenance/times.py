"""Times as operators type them: ISO 8601 with a zone, or from now on (`+90m`, `+1h30m`)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from scripts.operator.errors import UsageProblem

LATER = re.compile(r"\+(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?")
RULE = "a time with its zone (2026-05-01T14:30Z, 2026-05-01T16:30+02:00), or from now on (+90m, +1h30m, +2d)"


def read(option: str, value: str, now: datetime, start: datetime | None = None) -> datetime:
    """The time that `value` of `option` names, in UTC and in whole seconds; UsageProblem if it is none or has passed.

    :param start: from which `+…` counts, and after which the time must lie; else it is `now`.
    """
    moment = _moment(value.strip(), start or now)
    if moment is None:
        raise UsageProblem(f"{option} {value}: {RULE} is wanted", advice=f"for example {option} +90m")
    if moment <= (start or now):
        before = f"not after {told(start)}" if start else f"over: it is {told(now)}"
        raise UsageProblem(f"{option} {value} is {before}", advice=f"name a later time, for example {option} +90m")
    return moment


def _moment(value: str, start: datetime) -> datetime | None:
    later = LATER.fullmatch(value)
    if later and any(later.groups()):
        days, hours, minutes = (int(part or 0) for part in later.groups())
        return start.replace(microsecond=0) + timedelta(days=days, hours=hours, minutes=minutes)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    # Without a zone it is some hours off for somebody; a date alone is no time.
    if moment.tzinfo is None or not re.search(r"\d[T ]\d", value):
        return None
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        return None


def told(moment: datetime) -> str:
    """As the Worker before the storefront reads times: `2026-05-01T14:30:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
