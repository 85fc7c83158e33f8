"""A machine layer of its own for the roles' tests."""

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
from tests.e2e.roles.servers import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A private network to put servers into; afterwards nothing may be left on the host."""
    home: Path = tmp_path_factory.mktemp("home")
    key = tmp_path_factory.mktemp("key") / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    machines = NspawnMachines(home, images.default_cache())
    machines.start(Desired(networks=[NETWORK]))
    try:
        yield Site(Lab(machines, home, key), tmp_path_factory.mktemp("bundles"))
    finally:
        machines.stop()
    assert leftovers(home) == []
