"""One whole local store for all the tests in this folder, brought up once and ended once."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.store.checkout import ROOT, Checkout, make


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files' numbers are the order of one life: up, well, broken, healed, gone."""
    here = Path(__file__).parent
    ours = [index for index, item in enumerate(items) if item.path.is_relative_to(here)]
    for index, item in zip(ours, sorted((items[i] for i in ours), key=lambda item: item.path.name), strict=True):
        items[index] = item


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A clean checkout, not up yet. At the end the cloud is stopped however the tests went, and the folder removed."""
    folder = tmp_path_factory.mktemp("store", numbered=True) / "checkout"
    folder.mkdir()
    made = make(folder)
    with pytest.MonkeyPatch.context() as patch:
        # Every client of the tests trusts this checkout's edge, and no other's.
        patch.setenv("OPTICWORKS_CA", str(made.authority))
        yield made
    if (folder / ".local" / "cloud").exists():
        made.run(".venv/bin/python", "-m", "localcloud", "stop", check=False, timeout=120)
    if not _mounted_below(folder):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def store(checkout: Checkout) -> Checkout:
    """The checkout after `scripts/up`: a store that answers. Later tests take it as they find it, and leave it well."""
    started = time.monotonic()
    ran = checkout.run("scripts/up", check=False, timeout=1500)
    checkout.seconds["scripts/up"] = time.monotonic() - started
    if ran.code != 0:
        pytest.fail(f"scripts/up ended with {ran.code}:\n{ran.said}", pytrace=False)
    checkout.table = ran.stdout
    return checkout


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """What a browser saw, kept after the tests in the checkout that they were started from."""
    folder = ROOT / ".local" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _mounted_below(folder: Path) -> bool:
    """A tree with something mounted in it is not removed: that would empty what is mounted."""
    mounts = subprocess.run(["findmnt", "--raw", "--noheadings", "--output", "TARGET"], capture_output=True, text=True)
    return any(line.startswith(str(folder)) for line in mounts.stdout.splitlines())
