"""How visits are split between versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.storefront import read
from components.storefront.component import StorefrontArgs
from tests.unit.storefront.folders import composed


def args(tmp_path: Path, versions: dict[str, float]) -> StorefrontArgs:
    given: dict[str, Any] = dict.fromkeys(
        ("account_id", "zone_id", "environment", "storefront_host", "status_host"), "x"
    )
    bundle = read(composed(tmp_path / "bundle"), paid=False, project=tmp_path)
    return StorefrontArgs(**given, bundle=bundle, variables={}, secrets={}, versions=versions)


@pytest.mark.parametrize(("versions", "rest"), [({}, 100), ({"a": 90}, 10), ({"a": 99.5}, 0.5), ({"a": 100}, 0)])
def test_the_new_version_gets_the_rest(tmp_path: Path, versions: dict[str, float], rest: float) -> None:
    assert args(tmp_path, versions).rest == rest


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ({"a": 0}, "above 0"),
        ({"a": 101}, "at most 100"),
        ({"a": 60, "b": 60}, "at most 100"),
        ({"a": 30, "b": 30}, "two versions"),
    ],
)
def test_what_cannot_be_split_is_refused(tmp_path: Path, versions: dict[str, float], told: str) -> None:
    """The API refuses it when the version is uploaded already."""
    with pytest.raises(ValueError, match=told):
        args(tmp_path, versions)
