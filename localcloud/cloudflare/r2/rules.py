"""Lifecycle and lock rules, as the control plane writes them, and what they say of an object at a moment.

A rule that nobody could evaluate is refused when it is set, not skipped when it matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.model import Json

RULE_LIMIT = 1000
TRANSITIONS = ("deleteObjectsTransition", "abortMultipartUploadsTransition")


def check_lifecycle(rules: Sequence[Json]) -> tuple[Json, ...]:
    _check_ids(rules)
    for rule in rules:
        for name in TRANSITIONS:
            if rule.get(name) is not None:
                _check(rule, rule[name].get("condition"), ("Age",) if name.startswith("abort") else ("Age", "Date"))
        for step in rule.get("storageClassTransitions") or ():
            _check(rule, step.get("condition"), ("Age", "Date"))
            if step.get("storageClass") != "InfrequentAccess":
                raise _wrong(rule, f"storageClass {step.get('storageClass')!r} is not InfrequentAccess")
    return tuple(rules)


def check_lock(rules: Sequence[Json]) -> tuple[Json, ...]:
    _check_ids(rules)
    for rule in rules:
        _check(rule, rule.get("condition"), ("Age", "Date", "Indefinite"), "maxAgeSeconds")
    return tuple(rules)


def _check_ids(rules: Sequence[Json]) -> None:
    if len(rules) > RULE_LIMIT:
        raise R2Error("InvalidArgument", f"{len(rules)} rules; a bucket has at most {RULE_LIMIT}.")
    names = [rule.get("id") for rule in rules]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
        raise R2Error("InvalidArgument", "Each rule needs an id of its own.")


def _check(rule: Json, condition: Any, kinds: tuple[str, ...], age: str = "maxAge") -> None:
    if not isinstance(condition, dict) or condition.get("type") not in kinds:
        raise _wrong(rule, f"its condition must be of type {' or '.join(kinds)}")
    if condition["type"] == "Age":
        seconds = condition.get(age)
        if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0:
            raise _wrong(rule, f"{age} {seconds!r} is no count of seconds")
    if condition["type"] == "Date":
        try:
            moment(str(condition.get("date")))
        except ValueError:
            raise _wrong(rule, f"date {condition.get('date')!r} is no ISO 8601 date") from None


def _wrong(rule: Json, why: str) -> R2Error:
    return R2Error("InvalidArgument", f"Rule {rule.get('id')!r}: {why}.")


def moment(text: str) -> float:
    """Seconds since 1970; a date without a zone is UTC."""
    read = datetime.fromisoformat(text)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def locked_until(rules: Iterable[Json], key: str, modified: float) -> float | None:
    """When the last lock on an object ends, in seconds since 1970 (inf: never), or None if no rule covers it."""
    ends = [
        _end(rule["condition"], modified)
        for rule in rules
        if rule.get("enabled", True) and key.startswith(rule.get("prefix") or "")
    ]
    return max(ends, default=None)


def _end(condition: Json, modified: float) -> float:
    match condition["type"]:
        case "Age":
            return modified + float(condition["maxAgeSeconds"])
        case "Date":
            return moment(condition["date"])
        case _:
            return float("inf")


def due(condition: Json, since: float, now: float) -> bool:
    """Whether a lifecycle condition has come about for something that is there since ``since``."""
    if condition["type"] == "Age":
        return now >= since + float(condition["maxAge"])
    return now >= moment(condition["date"])


def prefix(rule: Json) -> str:
    return str((rule.get("conditions") or {}).get("prefix") or "")
