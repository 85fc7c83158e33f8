"""Fixtures of the program's own tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.configurations import tiny_release


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a real release archive with hardly anything in it."""
    return tiny_release(tmp_path_factory.mktemp("release"))


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell's token must not send a test to somebody's account."""
    for name in ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL", "CLOUDFLARE_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
