"""Fixtures of the program's own tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a release archive that is there; what is in it does not matter to settings."""
    path = tmp_path_factory.mktemp("releases") / "medusa-0123456789abcdef.tar.zst"
    path.write_bytes(b"")
    return path
