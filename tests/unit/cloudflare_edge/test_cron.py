"""Cron expressions of Workers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from localcloud.cloudflare.edge.cron import CronError, parse
from localcloud.cloudflare.edge.schedules import Minutes, due

START = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday


@pytest.mark.parametrize(
    ("expression", "first"),
    [
        ("* * * * *", ["01-01 00:00", "01-01 00:01", "01-01 00:02"]),
        ("*/30 * * * *", ["01-01 00:00", "01-01 00:30", "01-01 01:00"]),
        ("5/20 3 * * *", ["01-01 03:05", "01-01 03:25", "01-01 03:45"]),
        ("0 22-1/2 * * *", ["01-01 00:00", "01-01 22:00", "01-02 00:00"]),
        ("0 12 15,1 feb-MAR *", ["02-01 12:00", "02-15 12:00", "03-01 12:00"]),
        ("0 17 * * sun", ["01-04 17:00", "01-11 17:00", "01-18 17:00"]),
        ("0 17 * * 1", ["01-04 17:00", "01-11 17:00", "01-18 17:00"]),
        ("0 9 * * FRI-MON", ["01-02 09:00", "01-03 09:00", "01-04 09:00"]),
        ("0 0 L * *", ["01-31 00:00", "02-28 00:00", "03-31 00:00"]),
        ("59 23 LW * *", ["01-30 23:59", "02-27 23:59", "03-31 23:59"]),
        ("0 0 1W 8 *", ["08-03 00:00"]),
        ("0 0 L-3 1-2 *", ["01-28 00:00", "02-25 00:00"]),
        ("0 18 * * 6L", ["01-30 18:00", "02-27 18:00", "03-27 18:00"]),
        ("0 0 * * MON#2", ["01-12 00:00", "02-09 00:00", "03-09 00:00"]),
        ("0 0 13 * FRI", ["01-02 00:00", "01-09 00:00", "01-13 00:00"]),
    ],
)
def test_an_expression_runs_when_cloudflare_says(expression: str, first: list[str]) -> None:
    """A clean-up meant for Sunday's night would run in Monday's rush: here Sunday is 1, elsewhere 0."""
    cron = parse(expression)
    minutes = (START + timedelta(minutes=number) for number in range(366 * 1440))
    found = islice((f"{minute:%m-%d %H:%M}" for minute in minutes if cron.matches(minute)), len(first))
    assert list(found) == first


@pytest.mark.parametrize(
    "text", ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "* * * * 0",
             "x * * * *", "*/0 * * * *", "1- * * * *", "* * * * MON#6", "1,,2 * * * *"],
)  # fmt: skip
def test_what_cannot_run_is_refused(text: str) -> None:
    """A trigger that never fires is noticed when what it should have cleaned up is full."""
    with pytest.raises(CronError):
        parse(text)


def test_each_minute_is_said_once_and_missed_ones_not_at_all() -> None:
    """A laptop that wakes up would run a night's triggers at once, or one of them twice in its minute."""
    clock = Minutes(119.0)
    assert clock.begun(119.9) is None
    begun = clock.begun(120.0)
    assert begun == datetime(1970, 1, 1, 0, 2, tzinfo=UTC)
    assert clock.begun(120.1) is None
    assert clock.begun(60 * 500) == datetime(1970, 1, 1, 8, 20, tzinfo=UTC)
    assert clock.begun(60.0) is None
    assert due({"a": ("* * * * *", "not one"), "b": ("1 * * * *",)}, begun) == [("a", "* * * * *")]
