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


def group(text: str) -> typer.Typer:
    """A group of commands, whose help begins with `text`."""
    return typer.Typer(
        help=text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
