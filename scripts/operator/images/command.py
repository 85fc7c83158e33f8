"""`scripts/store images`: the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts.operator import output
from scripts.operator.cloudflare import Api
from scripts.operator.engine import Engine, project_values
from scripts.operator.errors import OperatorError
from scripts.operator.images.pictures import found
from scripts.operator.images.sync import Done
from scripts.operator.images.sync import sync as bring_up
from scripts.operator.options import DEFAULT_STACK, AsJson, ConfigFile, Stack, group

PERMISSION = "Cloudflare Images: Edit"

app = group("The shop's pictures in Cloudflare Images.")


@app.callback()
def images() -> None:
    """The shop's pictures in Cloudflare Images.

    Example: scripts/store images sync examples/storefront/public/images
    """


@app.command()
def sync(
    folder: Annotated[Path, typer.Argument(help="Folder of pictures: .jpg, .png and .webp, at any depth.")],
    stack: Stack = DEFAULT_STACK,
    config_file: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Upload the pictures of a folder that are not there yet or have changed.

    DIR/products/lens.jpg becomes ENVIRONMENT/products/lens. Pictures that are only at Cloudflare stay. The token needs
    "Cloudflare Images: Edit"; it is the stack's cloudflare:apiToken, else CLOUDFLARE_API_TOKEN.

    Example: scripts/store images sync examples/storefront/public/images -s staging
    """
    engine = Engine(stack, config_file)
    settings = project_values(engine.config())
    if settings.get("cloudflareImages", "").lower() != "true":
        raise OperatorError(
            f"stack {stack} has no Cloudflare Images: cloudflareImages is not true",
            advice=f"pulumi config set cloudflareImages true -s {stack}, if the account has Images",
        )
    pictures = found(folder, settings.get("environment") or stack)
    api = Api.of(engine, PERMISSION)
    with api.client:
        done = bring_up(api, pictures)
    if as_json:
        output.as_json({"uploaded": done.uploaded, "replaced": done.replaced, "unchanged": done.unchanged})
        return
    typer.echo(said(done))


def said(done: Done) -> str:
    """One line for each picture that was sent, and the numbers."""
    lines = [f"uploaded {name}" for name in done.uploaded] + [f"replaced {name}" for name in done.replaced]
    lines.append(f"{len(done.uploaded)} uploaded, {len(done.replaced)} replaced, {len(done.unchanged)} unchanged")
    return "\n".join(lines)
