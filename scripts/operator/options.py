"""Options that every command takes, defined once so that they are the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Stack = Annotated[str, typer.Option("--stack", "-s", help="The Pulumi stack: local, staging or production.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout instead of a table.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config-file", help="Use this file instead of Pulumi.STACK.yaml.", dir_okay=False),
]
DEFAULT_STACK = "local"
