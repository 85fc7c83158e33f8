"""Commands as values: what would be run can be looked at, compared and faked without running it.

A secret goes by `stdin`, never in `argv` (process lists) and never in `environment` (crash reports).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from scripts.operator.errors import OperatorError


@dataclass(frozen=True)
class Command:
    """One process to run. `environment` is added to ours; a value of None takes the variable away."""

    argv: tuple[str, ...]
    stdin: str | None = field(default=None, repr=False)
    environment: Mapping[str, str | None] = field(default_factory=dict)
    directory: Path | None = None


@dataclass(frozen=True)
class Result:
    """How it ended. `stdout` and `stderr` are text; either may hold a secret, so they are not in the repr."""

    code: int
    stdout: str = field(default="", repr=False)
    stderr: str = field(default="", repr=False)


class Runner(Protocol):
    """Runs a command to its end and says how it ended; raises OperatorError only where it cannot be started."""

    def __call__(self, command: Command) -> Result: ...


def merged_environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    """Our environment with `changes` applied. PYTHONPATH was only for finding this package: children do not get it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for name, value in changes.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment


def run(command: Command) -> Result:
    """Run `command` for real, both outputs captured."""
    # With no text of ours its input is empty, not the terminal: a tool that wants to ask fails instead of hanging.
    stream = {"stdin": subprocess.DEVNULL} if command.stdin is None else {}
    try:
        done = subprocess.run(
            command.argv,
            input=command.stdin,
            env=merged_environment(command.environment),
            cwd=command.directory,
            capture_output=True,
            text=True,
            check=False,
            **stream,  # type: ignore[call-overload]
        )
    except FileNotFoundError as error:
        raise OperatorError(
            f"{command.argv[0]} is not installed", advice="run scripts/up: it installs what the commands need"
        ) from error
    except OSError as error:
        raise OperatorError(
            f"{command.argv[0]} cannot be run ({error.strerror})", advice="run scripts/up: it installs it anew"
        ) from error
    return Result(done.returncode, done.stdout, done.stderr)
