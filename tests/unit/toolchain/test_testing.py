"""What scripts/test makes of pytest's output."""

from __future__ import annotations

import subprocess

from scripts.toolchain import testing
from scripts.toolchain.paths import ROOT

OUTPUT = """\
collected 3 items
============================= slowest 25 durations =============================
12.50s setup    tests/e2e/test_a.py::test_up
1.25s call     tests/e2e/test_a.py::test_up
2.00s call     tests/e2e/test_a.py::test_health[in words]

(4 durations < 0.05s hidden.)
======================== 1 failed, 2 passed in 15.75s ========================
""".splitlines()


def test_the_closing_line_is_pytests_own() -> None:
    """CI that counts tests by pytest's closing line found none, and called the run empty."""
    assert testing.closing_line(OUTPUT) == OUTPUT[-1]
    assert testing.closing_line(["Segmentation fault"]) == ""
    assert testing.closing_line(["===== 3 passed in 61.02s (0:01:01) ====="]) != ""


def test_time_is_summed_by_test() -> None:
    assert testing.slowest(OUTPUT) == [
        (13.75, "tests/e2e/test_a.py::test_up"),
        (2.0, "tests/e2e/test_a.py::test_health[in words]"),
    ]


def test_the_table_names_what_failed() -> None:
    stages = [testing.Stage("unit", 1.5, 0), testing.Stage("e2e", 60.0, 1, "", [(13.75, "test_up")])]
    text = testing.table(stages)
    assert "unit                 1.5 s  ok" in text
    assert "e2e                 60.0 s  FAILED" in text and "13.8 s    test_up" in text


def test_a_kind_that_is_none_is_refused_with_the_kinds() -> None:
    result = subprocess.run([ROOT / "scripts" / "test", "units"], capture_output=True, text=True)
    assert result.returncode == 2
    assert "units: allowed are lint, unit, contract, e2e" in result.stderr
