"""`scripts/store storefront`: build a storefront's bundle."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scripts.operator import output
from scripts.operator.options import AsJson, group
from scripts.operator.storefront import build as builder

app = group("Bundles of the storefront: built once, then deployed to any stack.")


class Plan(StrEnum):
    """The account's Workers plan."""

    FREE = "free"
    PAID = "paid"


@app.callback()
def storefront() -> None:
    """Bundles of the storefront: built once, then deployed to any stack.

    Example: scripts/store storefront build --app examples/storefront
    """


@app.command()
def build(
    application: Annotated[Path, typer.Option("--app", help="The storefront app's folder.")] = Path(
        "examples/storefront"
    ),
    to: Annotated[
        Path, typer.Option("--output", help="Folder to put the bundle's folder in; latest there links to it.")
    ] = Path(".local/storefronts"),
    plan: Annotated[Plan, typer.Option(help="Whose limits it has to keep: Workers Free or Workers Paid.")] = Plan.PAID,
    as_json: AsJson = False,
) -> None:
    """Build the bundle of a storefront, the store's Worker before it, and print its folder; progress goes to stderr.

    Nothing is built where nothing changed since: the app's files, its lock file, the Worker's sources, Node's major
    version. It is built in the cache, not in the app's folder.

    Example: scripts/store storefront build --app examples/storefront --plan free
    """
    built = builder.build(application, to, paid=plan is Plan.PAID, cache=builder.default_cache())
    bundle = built.bundle
    if as_json:
        output.as_json(
            {
                "path": str(built.path),
                "digest": bundle.digest,
                "reused": built.reused,
                "seconds": round(built.seconds, 1),
                "bytes": bundle.raw_bytes,
                "compressedBytes": bundle.compressed_bytes,
                "assets": bundle.assets,
            }
        )
        return
    if built.reused:
        sys.stderr.write(f"nothing changed since bundle {bundle.digest} was built\n")
    sys.stdout.write(f"{built.path}\n")
