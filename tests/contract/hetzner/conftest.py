"""A fresh embedded cloud for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.hetzner.serving import Served, serve


@pytest.fixture
def api() -> Iterator[Served]:
    with serve() as served:
        yield served
