"""Which API a stack is configured to use, and with which token: a real one, or the embedded one for `local`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from scripts.operator.engine import LOCAL, Engine, cloud_home
from scripts.operator.errors import OperatorError


@dataclass(frozen=True)
class StackApi:
    """One cloud's API, as errors call it, and where its address and its token are found."""

    name: str
    embedded: str
    """What errors call the embedded one."""
    real: str
    """Address of the real API."""
    endpoint_key: str
    token_key: str
    """Keys of the stack's configuration."""
    token_variable: str
    token_file: str
    """The embedded cloud's own token, in its home."""

    def endpoint(self, engine: Engine) -> str:
        """The API's address: the stack's, else the real one. Variables of the shell are not asked: scripts/env points
        them at the embedded cloud, which knows nothing of staging and production."""
        entry = engine.config().get(self.endpoint_key)
        return str(entry["value"]).rstrip("/") if entry and entry.get("value") else self.real

    def token(self, engine: Engine, home: Path | None = None) -> str:
        """The embedded cloud's own token for `local`, else the one of the stack's configuration or of the shell."""
        own = (home or cloud_home(engine.root)) / self.token_file
        embedded = own.read_text(encoding="utf-8").strip() if own.is_file() else ""
        if engine.stack == LOCAL:
            if not embedded:
                raise OperatorError(f"{self.embedded} has not run in this checkout", advice="run scripts/up")
            return embedded
        if self.token_key in engine.config():
            return str(engine.config(show_secrets=True)[self.token_key]["value"])
        # In a shell with scripts/env, the variable is the embedded cloud's and the caller's own was put aside.
        outer = os.environ.get(f"OPTICWORKS_OUTER_{self.token_variable}", "")
        given = os.environ.get(self.token_variable, "")
        chosen = given if given and given != embedded else outer
        if not chosen:
            raise OperatorError(
                f"no {self.name} token for stack {engine.stack}",
                advice=f"export {self.token_variable}=…, or store it: "
                f"pulumi config set --secret {self.token_key} -s {engine.stack}",
            )
        return chosen
