"""What the machine layer notes about each server on disk, so that a reboot or a restarted daemon needs nothing else."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from localcloud.machines.instance import Instance
from localcloud.machines.interface import MachineError, PrivateNic, ServerSpec


@dataclass(frozen=True)
class Record:
    """A server: what it is to be, the layers of its disk, its private interfaces by position and its volumes."""

    spec: ServerSpec
    layers: tuple[str, ...] = ()
    """Read-only trees below the server's own, uppermost first (absolute paths)."""
    nics: dict[int, PrivateNic] = field(default_factory=dict)
    """Position (0 is ``enp7s0``) → interface; a position is kept until the interface is detached."""
    volumes: dict[int, int] = field(default_factory=dict)
    """Position (0 is ``/dev/sdb``) → volume id; a position is kept until the volume is detached."""

    def with_nic(self, nic: PrivateNic) -> Record:
        """The record with ``nic`` plugged in at its network's position, or at the first free one."""
        position = self.position(nic.network_id)
        if position is None:
            position = _first_free(self.nics)
        return replace(self, nics={**self.nics, position: nic})

    def without_nic(self, network_id: int) -> Record:
        return replace(self, nics={at: nic for at, nic in self.nics.items() if nic.network_id != network_id})

    def with_volume(self, volume_id: int) -> Record:
        if volume_id in self.volumes.values():
            return self
        return replace(self, volumes={**self.volumes, _first_free(self.volumes): volume_id})

    def without_volume(self, volume_id: int) -> Record:
        return replace(self, volumes={at: one for at, one in self.volumes.items() if one != volume_id})

    def position(self, network_id: int) -> int | None:
        return next((at for at, nic in self.nics.items() if nic.network_id == network_id), None)


def _first_free(positions: Container[int]) -> int:
    return next(number for number in itertools.count() if number not in positions)


def _nic(raw: dict[str, Any]) -> PrivateNic:
    aliases = tuple(IPv4Address(one) for one in raw["alias_ips"])
    subnet = IPv4Network(raw["subnet"]) if raw["subnet"] else None
    return PrivateNic(raw["network_id"], IPv4Address(raw["ip"]), raw["mac"], aliases, subnet)


def _spec(raw: dict[str, Any]) -> ServerSpec:
    raw = dict(raw)
    raw["ssh_keys"] = tuple(raw["ssh_keys"])
    raw["public_ipv4"] = IPv4Address(raw["public_ipv4"]) if raw["public_ipv4"] else None
    raw["public_ipv6"] = IPv6Network(raw["public_ipv6"]) if raw["public_ipv6"] else None
    return ServerSpec(**raw)


def read(folder: Path) -> Record:
    """The record kept in a server's folder."""
    try:
        raw = json.loads((folder / "machine.json").read_text())
    except OSError:
        raise MachineError(f"server {folder.name} has no disk here") from None
    nics = {int(at): _nic(nic) for at, nic in raw["nics"].items()}
    return Record(_spec(raw["spec"]), tuple(raw["layers"]), nics, {int(at): one for at, one in raw["volumes"].items()})


def write(folder: Path, record: Record) -> None:
    """Replace the record in one step, so that a killed daemon never leaves half of one. Only root may read it."""
    scratch = folder / "machine.json.new"
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(record), file, default=str)
    os.replace(scratch, folder / "machine.json")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the server's lock: its supervisor replugs interfaces at a reboot while a daemon may be attaching one."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def server_ids(instance: Instance) -> list[int]:
    """Ids of all servers that have a record."""
    top = instance.folder / "servers"
    return sorted(int(path.parent.name) for path in top.glob("*/machine.json")) if top.is_dir() else []
