"""The Pulumi CLI, called so that it works with or without `. scripts/env` in the shell.

Stack `local` keeps its state and plugins in the checkout (`.local/`); every other stack keeps whatever backend and
passphrase the shell has.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scripts.operator.errors import OperatorError
from scripts.operator.process import Command, Result, Runner, run

PROJECT = "opticworks-store"
ROOT = Path(__file__).resolve().parents[2]
LOCAL = "local"


def local_home(root: Path = ROOT) -> Path:
    """Where the local stack of a checkout keeps its state and plugins."""
    return root / ".local"


def cloud_home(root: Path = ROOT) -> Path:
    """Where the embedded cloud of this checkout keeps its state and its token."""
    return Path(os.environ.get("LOCALCLOUD_HOME") or local_home(root) / "cloud")


def environment(stack: str, root: Path = ROOT) -> dict[str, str | None]:
    """The variables that `pulumi` needs for `stack`: for `local` the same as scripts/env's own `pulumi` sets."""
    changes: dict[str, str | None] = {"PULUMI_SKIP_UPDATE_CHECK": "1"}
    if stack == LOCAL:
        home = local_home(root)
        changes |= {
            "PULUMI_HOME": str(home / "pulumi"),
            "PULUMI_BACKEND_URL": f"file://{quote(str(home / 'state'))}",
            "PULUMI_CONFIG_PASSPHRASE": os.environ.get("OPTICWORKS_LOCAL_PASSPHRASE", "local"),
            "PULUMI_CONFIG_PASSPHRASE_FILE": None,
        }
    return changes


def past_proxies(stack: str) -> None:
    """The local stack is on this machine: no proxy of the shell's stands between. httpx and requests heed this."""
    if stack == LOCAL:
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"


def find_cli(root: Path = ROOT) -> str:
    """The `pulumi` to run: the one that scripts/up chose for this checkout, else the one on PATH."""
    chosen = local_home(root) / "toolchain" / "pulumi"
    if chosen.exists():
        return str(chosen)
    on_path = shutil.which("pulumi")
    if on_path:
        return on_path
    raise OperatorError("the Pulumi CLI is not installed", advice="run scripts/up: it installs it")


@dataclass
class Engine:
    """Pulumi for one stack of one checkout. Reads are remembered for as long as this object lives (one run)."""

    stack: str
    config_file: Path | None = None
    root: Path = ROOT
    runner: Runner = run
    cli: Callable[[Path], str] = find_cli
    _cache: dict[str, Any] = field(default_factory=dict, repr=False)

    def command(self, *arguments: str, stdin: str | None = None) -> Command:
        """`pulumi ARGUMENTS` for this stack, as a value."""
        return Command(
            (self.cli(self.root), *arguments, "--stack", self.stack, "--non-interactive", "--color", "never"),
            stdin=stdin,
            environment=environment(self.stack, self.root),
            directory=self.root,
        )

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets left out of sight; OperatorError says why there are none."""
        if "outputs" not in self._cache:
            values = self._json(self.command("stack", "output", "--json"))
            if not values:
                raise OperatorError(f"stack {self.stack} is not up: it has no outputs yet", advice=self._bring_up())
            self._cache["outputs"] = values
        return dict(self._cache["outputs"])

    def config(self, *, show_secrets: bool = False) -> dict[str, dict[str, Any]]:
        """Full key → {"value": text or None, "secret": bool}, as `pulumi config --json` gives it."""
        name = "config with secrets" if show_secrets else "config"
        if name not in self._cache:
            arguments = ["config", "--json", *self._config_file()]
            if show_secrets:
                arguments.append("--show-secrets")
            self._cache[name] = self._json(self.command(*arguments))
        return dict(self._cache[name])

    def set_secret(self, key: str, value: str) -> None:
        """Store `value` encrypted under `key` of the project. It goes by stdin and is kept byte for byte."""
        arguments = ("config", "set", f"{PROJECT}:{key}", "--secret", "--raw", *self._config_file())
        self._check(self.runner(self.command(*arguments, stdin=value)))
        self._cache.clear()

    def _config_file(self) -> tuple[str, ...]:
        return ("--config-file", str(self.config_file.resolve())) if self.config_file else ()

    def _json(self, command: Command) -> dict[str, Any]:
        result = self._check(self.runner(command))
        try:
            value = json.loads(result.stdout or "{}")
        except ValueError:
            words = " ".join(command.argv[1:3])
            raise OperatorError(
                f"pulumi {words} for stack {self.stack} did not answer with JSON",
                advice=f"see what `pulumi {words} --json -s {self.stack}` says; {command.argv[0]} may be no Pulumi",
            ) from None
        return value if isinstance(value, dict) else {}

    def _check(self, result: Result) -> Result:
        if result.code == 0:
            return result
        raise explained(self.stack, result.stderr or result.stdout, self._bring_up())

    def _bring_up(self) -> str:
        return "scripts/up" if self.stack == LOCAL else f"pulumi up -s {self.stack}"


_KNOWN: tuple[tuple[str, str, str], ...] = (
    (
        r"no stack named|stack .* not found|no previous deployment|unable to open state directory",
        "stack {stack} does not exist in this backend",
        "{create}",
    ),
    (
        r"incorrect passphrase|passphrase must be set|failed to decrypt",
        "the secrets of stack {stack} cannot be read with this passphrase",
        "set PULUMI_CONFIG_PASSPHRASE (or PULUMI_CONFIG_PASSPHRASE_FILE) to the stack's own, then try again",
    ),
    (
        r"PULUMI_ACCESS_TOKEN must be set|not (currently )?logged in|requires logging in",
        "Pulumi is not logged in to the backend that holds stack {stack}",
        "pulumi login BACKEND (README: staging and production), then try again",
    ),
)


def explained(stack: str, said: str, bring_up: str) -> OperatorError:
    """What Pulumi said, as an error with a way on."""
    for pattern, message, advice in _KNOWN:
        if re.search(pattern, said, re.IGNORECASE):
            create = bring_up if stack == LOCAL else f"pulumi stack init {stack}, unless this is the wrong backend"
            return OperatorError(message.format(stack=stack), advice=advice.format(create=create))
    lines = [line for line in said.strip().splitlines() if line.strip()][-8:]
    return OperatorError(f"pulumi failed for stack {stack}", detail="\n".join(lines), advice=bring_up)


def project_values(config: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The project's own keys without their namespace → value; secrets that are not shown are left out."""
    prefix = f"{PROJECT}:"
    return {
        key.removeprefix(prefix): str(entry["value"])
        for key, entry in config.items()
        if key.startswith(prefix) and entry.get("value") is not None
    }
