"""Servers as the program makes them (first boot, deploy user), and roles run on them as Pulumi would run them."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.first_boot import user_data
from components.hostkeys import host_key
from components.role import RUNTIME, command
from components.role_bundle import bundle
from localcloud.machines.interface import ServerSpec
from tests.e2e.machines.lab import Lab, until

ROLES = Path(__file__).parents[3] / "components"
MEDUSA_SUBNET = "10.0.1.0/24"


@dataclass(frozen=True)
class Run:
    """One run of a role: exit code, what it printed, and how long it took (seconds)."""

    code: int
    output: str
    seconds: float

    @property
    def last_line(self) -> str:
        return self.output.strip().splitlines()[-1]

    @property
    def changes(self) -> list[str]:
        return [line for line in self.output.splitlines() if line.startswith("changed ")]


@dataclass
class Site:
    """Servers on one machine layer, reached as ``deploy``."""

    lab: Lab
    scratch: Path
    timings: dict[str, float] = field(default_factory=dict)

    def server(self, name: str, private: str, **changes: object) -> ServerSpec:
        """Boot a server with the program's own first-boot script and wait until deploy can log in."""
        public = self.lab.key.with_suffix(".pub").read_text().strip()
        script = user_data(name, host_key("x" * 32, name), "deploy", [public])
        spec = self.lab.spec(name, user_data=script, **changes)
        self.lab.machines.create_server(spec)
        self.lab.machines.attach_network(spec.id, self.lab.nic(spec, private))
        self.await_deploy(spec)
        return spec

    def await_deploy(self, spec: ServerSpec) -> None:
        until(lambda: self.ssh(spec, "echo in", check=False) == "in", f"deploy's login on {spec.name}", 30)

    def ssh(self, spec: ServerSpec, command: str, *, check: bool = True, stdin: str = "") -> str:
        done = self._ssh(spec, command, stdin)
        if check and done.returncode != 0:
            raise AssertionError(f"{command!r} on {spec.name}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def refused(self, spec: ServerSpec, command: str, *, stdin: str = "") -> str:
        """Run a command that must fail; what it said."""
        done = self._ssh(spec, command, stdin)
        assert done.returncode != 0, f"{command!r} succeeded: {done.stdout}"
        return done.stdout + done.stderr

    def role(self, spec: ServerSpec, role: str, variables: Mapping[str, Any], secrets: Mapping[str, str]) -> Run:
        """Copy and run the role the way the Role component does: one file, the component's own shell line."""
        packed = bundle(role, RUNTIME, ROLES / role / "bootstrap", variables)
        remote = f".bootstrap-{role}-{packed.digest[:16]}.pyz"
        copy = ["scp", "-q", *self._options(), str(packed.write(self.scratch)), f"deploy@{spec.public_ipv4}:{remote}"]
        subprocess.run(copy, check=True, timeout=30)
        began = time.monotonic()
        done = self._ssh(spec, command(role, remote), json.dumps(secrets))
        return Run(done.returncode, done.stdout + done.stderr, time.monotonic() - began)

    def reachable(self, spec: ServerSpec, address: str, port: int) -> bool:
        """Whether that server gets a TCP connection to the port."""
        probe = f"timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/{port}' && echo open"
        return self.ssh(spec, probe, check=False) == "open"

    def power_cycle(self, spec: ServerSpec, changed: ServerSpec | None = None) -> None:
        """Pull the plug, take over a changed type, and boot again."""
        self.lab.machines.power_off(spec.id)
        if changed is not None:
            self.lab.machines.update_server(changed)
        self.lab.machines.power_on(spec.id)
        self.await_deploy(spec)

    def _options(self) -> list[str]:
        return ["-i", str(self.lab.key), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=2", "-o", "BatchMode=yes"]  # fmt: skip

    def _ssh(self, spec: ServerSpec, command: str, stdin: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["ssh", *self._options(), f"deploy@{spec.public_ipv4}", command],
            input=stdin, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
