"""Images are built once, whoever asks, and never half."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localcloud.machines import images, recipe
from localcloud.machines.interface import MachineError


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the trees that a builder was run for; the builder only makes a file."""
    runs: list[str] = []
    barrier = threading.Event()

    def run_builder(command: list[str], progress: images.Progress) -> None:
        target = Path(next(word for word in command if word.startswith("/")))
        runs.append(target.name)
        barrier.wait(0.2)
        (target / "etc").mkdir(parents=True)
        (target / "etc/os-release").touch()

    monkeypatch.setattr(images, "_run_builder", run_builder)
    monkeypatch.setattr(recipe, "prepare", lambda root: None)
    return runs


def test_builders_at_once_build_once(tmp_path: Path, built: list[str]) -> None:
    # Incident: two checkouts start on a fresh machine and write into each other's tree.
    with ThreadPoolExecutor(3) as pool:
        paths = set(pool.map(lambda _: images.build(tmp_path, "debian-13"), range(3)))
    assert len(built) == 1 and len(paths) == 1
    assert images.is_built(tmp_path, "debian-13") and not images.is_built(tmp_path, "debian-12")


def test_a_build_that_fails_leaves_no_image(tmp_path: Path, built: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(root: Path) -> None:
        raise MachineError("no certificates")

    monkeypatch.setattr(recipe, "prepare", fail)
    with pytest.raises(MachineError, match="no certificates"):
        images.build(tmp_path, "debian-13")
    assert not images.is_built(tmp_path, "debian-13")
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["debian-13.lock"]


def test_an_unknown_image_names_the_known(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"'ubuntu-24\.04': there are debian-12, debian-13"):
        images.build(tmp_path, "ubuntu-24.04")


def test_a_changed_recipe_is_another_image(monkeypatch: pytest.MonkeyPatch) -> None:
    # Incident: a fix in the image reaches nobody who has built one before.
    before = recipe.version("debian-13")
    assert before != recipe.version("debian-12")
    monkeypatch.setattr(recipe, "PACKAGES", (*recipe.PACKAGES, "htop"))
    assert recipe.version("debian-13") != before
