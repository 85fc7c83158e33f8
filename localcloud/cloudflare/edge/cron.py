"""Cron expressions as Workers take them: five fields in UTC, with names, steps, L, W and #; pure.

Weekdays count from 1, Sunday. Where both a day of the month and a weekday are named, either is enough.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

MONTHS = {name: index for index, name in enumerate(calendar.month_abbr) if name}
WEEKDAYS = {name: index for index, name in enumerate(("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"), 1)}
SATURDAY = 7
Day = Callable[[date], bool]


class CronError(ValueError):
    """No cron expression; the message says which part is wrong."""


@dataclass(frozen=True)
class Cron:
    """When a Worker's ``scheduled`` handler runs; ``day`` and ``weekday`` are None for ``*``."""

    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    day: Day | None
    weekday: Day | None

    def matches(self, moment: datetime) -> bool:
        """Whether it runs in the minute of a moment (UTC)."""
        if moment.minute not in self.minutes or moment.hour not in self.hours or moment.month not in self.months:
            return False
        named = [one for one in (self.day, self.weekday) if one is not None]
        return not named or any(one(moment.date()) for one in named)


def parse(text: str) -> Cron:
    """The expression of a text.

    :raises CronError: it is none.
    """
    fields = text.split()
    if len(fields) != 5:
        raise CronError(f"'{text}' has {len(fields)} fields; minute, hour, day of month, month and weekday are five")
    minute, hour, day, month, weekday = fields
    return Cron(
        _values(minute, 0, 59),
        _values(hour, 0, 23),
        _values(month, 1, 12, MONTHS),
        None if day == "*" else _day(day),
        None if weekday == "*" else _weekday(weekday),
    )


def _number(text: str, least: int, most: int, names: dict[str, int]) -> int:
    found = names.get(text.capitalize())
    if found is None:
        found = int(text) if text.isascii() and text.isdecimal() else -1
    if not least <= found <= most:
        raise CronError(f"'{text}' is not from {least} to {most}")
    return found


def _values(text: str, least: int, most: int, names: dict[str, int] | None = None) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        step = _number(step_text, 1, most - least, {}) if slash else 1
        first, dash, last = span.partition("-")
        if span == "*":
            start, end = least, most
        else:
            start = _number(first, least, most, names or {})
            end = _number(last, least, most, names or {}) if dash else (most if slash else start)
        whole = list(range(start, end + 1))
        if end < start:  # over the end of the range, and on from its beginning: FRI-MON
            whole = [*range(start, most + 1), *range(least, end + 1)]
        found.update(whole[::step])
    return frozenset(found)


def _last(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest(day: date, wanted: int) -> bool:
    """Whether a day is the working day nearest to the wanted one, within its month."""
    last = _last(day)
    if not 1 <= wanted <= last:
        return False
    nearest = day.replace(day=wanted)
    if nearest.isoweekday() == 6:
        nearest += timedelta(days=-1 if wanted > 1 else 2)
    elif nearest.isoweekday() == 7:
        nearest += timedelta(days=1 if wanted < last else -2)
    return day == nearest


def _day(text: str) -> Day:
    upper = text.upper()
    if found := re.fullmatch(r"L(?:-(\d{1,2}))?(W)?", upper):
        before = _number(found[1], 1, 30, {}) if found[1] else 0
        if found[2]:
            return lambda day: _nearest(day, _last(day) - before)
        return lambda day: day.day == _last(day) - before
    if found := re.fullmatch(r"(\d{1,2})W", upper):
        wanted = _number(found[1], 1, 31, {})
        return lambda day: _nearest(day, wanted)
    values = _values(text, 1, 31)
    return lambda day: day.day in values


def _of_week(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _weekday(text: str) -> Day:
    upper = text.upper()
    if found := re.fullmatch(r"(\w*?)L", upper):
        wanted = _number(found[1], 1, 7, WEEKDAYS) if found[1] else SATURDAY
        return lambda day: _of_week(day) == wanted and day.day + 7 > _last(day)
    if found := re.fullmatch(r"(\w+)#(\d)", upper):
        wanted, nth = _number(found[1], 1, 7, WEEKDAYS), _number(found[2], 1, 5, {})
        return lambda day: _of_week(day) == wanted and (day.day - 1) // 7 + 1 == nth
    values = _values(text, 1, 7, WEEKDAYS)
    return lambda day: _of_week(day) in values
