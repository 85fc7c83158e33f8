"""A machine layer of its own for these tests."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.machines import images
from localcloud.machines.driver import NspawnMachines
from localcloud.machines.interface import Desired
from localcloud.machines.leftovers import leftovers
from tests.e2e.machines.lab import NETWORK, Lab


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Iterator[Lab]:
    """A machine layer with one private network; afterwards nothing of it may be left on the host."""
    home = tmp_path_factory.mktemp("home")
    machines = NspawnMachines(home, images.default_cache())
    machines.start(Desired(networks=[NETWORK]))
    try:
        yield Lab(machines, home, key)
    finally:
        machines.stop()
    assert leftovers(home) == []
