"""Servers of a machine layer as the tests drive them: created, and reached over SSH by their public addresses."""

from __future__ import annotations

import itertools
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from localcloud.machines.driver import NspawnMachines
from localcloud.machines.interface import NetworkSpec, PrivateNic, ServerSpec

NETWORK = NetworkSpec(1, IPv4Network("10.0.0.0/16"), name="store")


@dataclass
class Lab:
    """Servers by name on one :class:`NspawnMachines`."""

    machines: NspawnMachines
    home: Path
    key: Path
    specs: dict[str, ServerSpec] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def spec(self, name: str, **changes: object) -> ServerSpec:
        number = next(self.numbers)
        values: dict[str, object] = {
            "id": number,
            "name": name,
            "image": "debian-13",
            "cores": 2,
            "memory_gib": 4.0,
            "disk_gb": 40,
            "ssh_keys": (self.key.with_suffix(".pub").read_text().strip(),),
            "public_ipv4": self.machines.public_ipv4_pool[9 + number],
        }
        self.specs[name] = ServerSpec(**(values | changes))  # type: ignore[arg-type]
        return self.specs[name]

    def create(self, name: str, private: str = "", **changes: object) -> ServerSpec:
        """Create the server and wait until it answers SSH."""
        spec = self.spec(name, **changes)
        self.machines.create_server(spec)
        if private:
            self.machines.attach_network(spec.id, self.nic(spec, private))
        self.await_ssh(spec)
        return spec

    @staticmethod
    def nic(spec: ServerSpec, address: str, network: NetworkSpec = NETWORK) -> PrivateNic:
        return PrivateNic(network.id, IPv4Address(address), f"86:00:00:00:{network.id:02x}:{spec.id:02x}")

    def ssh(self, spec: ServerSpec, command: str, *, check: bool = True, timeout: float = 30) -> str:
        """Run a command as root; its output."""
        options = ["-i", str(self.key), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                   "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=2",
                   "-o", "ServerAliveInterval=1", "-o", "BatchMode=yes"]  # fmt: skip
        done = subprocess.run(
            ["ssh", *options, f"root@{spec.public_ipv4}", command],
            capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(f"{command!r} on {spec.name}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def await_ssh(self, spec: ServerSpec, seconds: float = 60.0) -> None:
        until(lambda: self.ssh(spec, "echo in", check=False) == "in", f"SSH to {spec.name}", seconds)


def until(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
