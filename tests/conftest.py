"""Marks each test by the directory it is in, so that ``-m unit`` and ``tests/unit`` mean the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LAYERS = ("unit", "contract", "e2e")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        layer = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
        if layer in LAYERS:
            item.add_marker(getattr(pytest.mark, layer))
        if layer == "e2e" and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="boots machines: needs root, as scripts/up does"))
