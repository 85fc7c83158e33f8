"""Choosing what is behind the API."""

from __future__ import annotations

import os
from pathlib import Path

from localcloud.daemon.home import DaemonError, Home
from localcloud.machines.interface import Machines

NAMES = ("nspawn", "memory")


def cache() -> Path:
    """``$LOCALCLOUD_CACHE``, else ``localcloud`` in the user's cache: OS images and packages, shared by all homes."""
    given = os.environ.get("LOCALCLOUD_CACHE")
    if given:
        return Path(given).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "localcloud"


def check(name: str) -> None:
    """Raise if this host, or this user, cannot have such machines."""
    if name == "nspawn" and os.geteuid() != 0:
        raise DaemonError(
            "booting machines needs root; run it with sudo, or start with --machines memory to try the API alone"
        )


def create(name: str, home: Home) -> Machines:
    """The machines of a home. Imports only what is chosen."""
    if name == "memory":
        from localcloud.machines.memory import MemoryMachines

        return MemoryMachines()
    from localcloud.machines.driver import NspawnMachines

    home.make()
    return NspawnMachines(home.path, cache())
