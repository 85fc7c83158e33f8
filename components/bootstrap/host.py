"""The server that a run is about: its role's variables, secrets and files, and facts that steps decide by."""

from __future__ import annotations

import functools
import os
import pkgutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from components.bootstrap.report import Failure, Report


class Host:
    """Passed to every step. ``variables`` are those given to the role; ``secrets`` came by standard input."""

    def __init__(self, role: str, variables: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        self.role = role
        self.variables = variables
        self.secrets = secrets
        self.report = Report(secrets.values())

    def variable(self, name: str) -> Any:
        if name not in self.variables:
            raise Failure(f"the role was given no variable {name!r}", f"pass {name} in RoleArgs.variables.")
        return self.variables[name]

    def secret(self, name: str) -> str:
        if not self.secrets.get(name):
            raise Failure(f"the role was given no secret {name!r}", f"pass {name} in RoleArgs.secrets.")
        return self.secrets[name]

    def asset(self, path: str) -> str:
        """Text of a file in the role's folder; ``*.j2`` files are there rendered and without that suffix."""
        data = pkgutil.get_data("role", path)
        if data is None:
            raise Failure(f"the role's folder holds no file {path!r}")
        return data.decode()

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
        check: bool = True,
        timeout: float = 600,
        fix: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Run a command; secrets belong in ``stdin``, never in ``argv`` (every user of a server sees others' argv).

        With ``check`` a non-zero exit is a :class:`Failure` that quotes the end of what the command said.
        """
        try:
            done = subprocess.run(
                list(argv),
                input=stdin if stdin is not None else "",
                env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
                text=True,
                capture_output=True,
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError:
            raise Failure(f"the command {argv[0]} is not installed", fix) from None
        except subprocess.TimeoutExpired:
            raise Failure(f"`{' '.join(argv)}` did not end within {timeout:.0f} s", fix) from None
        if check and done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip())[-2000:]
            raise Failure(f"`{' '.join(argv)}` ended with exit code {done.returncode}: {said}", fix)
        return done

    @functools.cached_property
    def memory_bytes(self) -> int:
        """MemTotal, in bytes: the memory that the server type gives, less what the kernel keeps for itself."""
        with open("/proc/meminfo") as meminfo:
            for line in meminfo:
                if line.startswith("MemTotal:"):
                    return int(line.split()[1]) * 1024
        raise Failure("/proc/meminfo does not say how much memory there is")

    @functools.cached_property
    def cpus(self) -> int:
        return len(os.sched_getaffinity(0))

    @functools.cached_property
    def in_container(self) -> bool:
        """Whether the kernel is shared with others (then its global settings are the host's to make)."""
        return self.run(["systemd-detect-virt", "--container", "--quiet"], check=False).returncode == 0

    @functools.cached_property
    def codename(self) -> str:
        """Debian's release name: bookworm (12), trixie (13)."""
        with open("/etc/os-release") as release:
            for line in release:
                if line.startswith("VERSION_CODENAME="):
                    return line.partition("=")[2].strip().strip('"')
        return ""
