"""A fresh embedded Cloudflare for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.cloudflare.serving import Served, serve


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Served]:
    with serve(tmp_path) as served:
        yield served
