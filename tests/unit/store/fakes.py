"""A Pulumi CLI that is a dictionary: it answers commands as values and remembers what it was asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from scripts.operator.engine import Engine
from scripts.operator.process import Command, Result


@dataclass
class FakePulumi:
    """Stands in for `process.run`. `failure`, when set, is what every call says on stderr."""

    outputs: dict[str, Any] = field(default_factory=dict)
    config: dict[str, dict[str, Any]] = field(default_factory=dict)
    failure: str = ""
    commands: list[Command] = field(default_factory=list)

    def __call__(self, command: Command) -> Result:
        self.commands.append(command)
        arguments = list(command.argv[1:])
        if self.failure:
            return Result(255, "", self.failure)
        if arguments[:2] == ["config", "set"]:
            self.config[arguments[2]] = {"value": command.stdin, "secret": "--secret" in arguments}
            return Result(0)
        if arguments[0] == "config":
            return Result(0, json.dumps(self._shown("--show-secrets" in arguments)))
        if arguments[:2] == ["stack", "output"]:
            return Result(0, json.dumps(self.outputs))
        raise AssertionError(f"the fake CLI does not know {arguments}")

    def _shown(self, secrets: bool) -> dict[str, dict[str, Any]]:
        return {
            key: entry if secrets or not entry["secret"] else {"secret": True} for key, entry in self.config.items()
        }

    def engine(self, stack: str = "local") -> Engine:
        """An engine for `stack` that asks this fake."""
        return Engine(stack, runner=self, cli=lambda _root: "pulumi")
