"""An `engines` field read wrongly ships a Node that the application does not start on."""

from __future__ import annotations

import pytest

from scripts.operator.release.ranges import parse, satisfies


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("22.23.3", ">=22.12.0 <23", True),
        ("24.21.0", ">=22.12.0 <23", False),
        ("22.23.3", "^20.19.0 || >=22.12.0", True),
        ("22.11.0", "^20.19.0 || >=22.12.0", False),
        ("20.19.4", "^20.19.0 || >=22.12.0", True),
        ("21.0.0", "^20.19.0", False),
        ("22.23.3", "22", True),
        ("22.23.3", "22.x", True),
        ("22.23.3", "~22.23.0", True),
        ("22.24.0", "~22.23.0", False),
        ("24.21.0", ">22", True),
        ("22.99.0", ">22", False),
        ("22.23.3", "<=22.23.3", True),
        ("22.23.3", "20 - 22", True),
        ("22.23.3", "", True),
        ("22.23.3", "*", True),
        ("22.23.3", "22.23.2", False),
        ("0.3.1", "^0.3.0", True),
        ("0.4.0", "^0.3.0", False),
    ],
)
def test_ranges_as_npm_reads_them(version: str, wanted: str, fits: bool) -> None:
    assert satisfies(parse(version), wanted) is fits


def test_what_is_not_understood_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="lts/iron"):
        satisfies((22, 0, 0), "lts/iron")
