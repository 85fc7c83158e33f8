"""scripts/up: which steps it takes, as whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from scripts.toolchain import preflight, up
from scripts.toolchain.steps import Step
from tests.unit.toolchain.test_preflight import GOOD


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the steps that were to be taken; none is."""
    names: list[str] = []

    def execute(steps: Sequence[Step], _logs: object) -> bool:
        names.extend(step.name for step in steps)
        return False

    monkeypatch.setattr(up, "execute", execute)
    return names


@pytest.mark.parametrize(("user", "images"), [(0, True), (1000, False)])
def test_preparing_needs_no_root(monkeypatch: pytest.MonkeyPatch, taken: list[str], user: int, images: bool) -> None:
    """Whoever only drives staging and production had to be root on the own machine."""
    monkeypatch.setattr(preflight, "look", lambda: replace(GOOD, user=user, memory_gib=3.6))
    up.main(["--prepare"])
    assert {"packages", "python", "pulumi", "plugins", "release", "storefront"} <= set(taken)
    assert ("images" in taken) is images


def test_the_local_stack_needs_root(
    monkeypatch: pytest.MonkeyPatch, taken: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preflight, "look", lambda: replace(GOOD, user=1000))
    monkeypatch.setattr(up.local_stack, "port_problems", list)
    assert up.main([]) == 1
    assert taken == [] and "root" in capsys.readouterr().err
