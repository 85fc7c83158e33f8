"""`scripts/store release`: build a release archive, and say what one holds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from scripts.operator import output
from scripts.operator.options import AsJson, group
from scripts.operator.release import archive
from scripts.operator.release import build as builder

app = group("Release archives of the backend: built once, off the servers.")


@app.callback()
def release() -> None:
    """Release archives of the backend: built once, off the servers.

    Example: scripts/store release build --app examples/backend
    """


@app.command()
def build(
    application: Annotated[Path, typer.Option("--app", help="The Medusa application's folder.")] = Path(
        "examples/backend"
    ),
    to: Annotated[
        Path, typer.Option("--output", help="Folder to put the archive in; latest.tar.zst there names it.")
    ] = Path(".local/releases"),
    as_json: AsJson = False,
) -> None:
    """Build the release of a Medusa application and print the archive's path; progress goes to stderr.

    The same inputs give the same archive, found again at once. It holds the built server with its production
    dependencies, the admin, and a Node of its own.

    Example: scripts/store release build --app examples/backend --json
    """
    built = builder.build(application, to, builder.default_cache())
    if as_json:
        facts = {"path": str(built.path), "bytes": built.size, "reused": built.reused}
        output.as_json(facts | {"seconds": round(built.seconds, 1)} | built.release.as_json())
        return
    if built.reused:
        sys.stderr.write(f"nothing changed since release {built.release.digest} was built\n")
    sys.stdout.write(f"{built.path}\n")


@app.command()
def show(
    path: Annotated[Path, typer.Argument(help="A release archive.")],
    as_json: AsJson = False,
) -> None:
    """Say what a release archive holds: name, digest, versions of Node and Medusa.

    Example: scripts/store release show .local/releases/latest.tar.zst
    """
    facts = archive.read(path).as_json()
    if as_json:
        output.as_json(facts)
        return
    for key, value in facts.items():
        sys.stdout.write(f"{key:<12} {value}\n")
