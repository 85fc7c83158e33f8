"""The ``command`` plugin."""

from __future__ import annotations

from localcloud.plugins.base.engine import Engine
from localcloud.plugins.base.provider import Provider
from localcloud.plugins.command.copy import CopyFile, CopyToRemote
from localcloud.plugins.command.local import LocalCommand, run_function
from localcloud.plugins.command.remote import RemoteCommand


class CommandProvider(Provider):
    """Commands on this machine and on others."""

    name = "command"
    version = "1.2.1"

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.resources = {kind.token: kind() for kind in (LocalCommand, RemoteCommand, CopyToRemote, CopyFile)}
        self.functions = {"command:local:run": run_function}


def make(engine: Engine) -> CommandProvider:
    """The plugin; it has no configuration."""
    return CommandProvider(engine)
