"""`scripts/store secrets`: the command line."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from scripts.operator import output
from scripts.operator.engine import Engine
from scripts.operator.errors import Exit
from scripts.operator.options import DEFAULT_STACK, AsJson, ConfigFile, Stack
from scripts.operator.secrets import store

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List, make, set and check a stack's secrets. Values are never shown, and never taken as arguments.",
)


def register(parent: typer.Typer) -> None:
    """Join the group to `scripts/store`."""
    parent.add_typer(app, name="secrets")


@app.command("list")
def list_(stack: Stack = DEFAULT_STACK, config_file: ConfigFile = None, as_json: AsJson = False) -> None:
    """Which secrets the stack needs, and whether each is set. Exit code 1 if one is not.

    Example: scripts/store secrets list -s production
    """
    found = store.states(Engine(stack, config_file))
    if as_json:
        output.as_json({s.secret.key: s.state for s in found})
    else:
        output.console().print(
            output.table(("secret", "state", "purpose"), [(s.secret.key, s.state, s.secret.purpose) for s in found])
        )
    raise typer.Exit(Exit.OK if all(s.state in ("set", "not needed") for s in found) else Exit.UNWELL)


@app.command()
def generate(
    stack: Stack = DEFAULT_STACK,
    config_file: ConfigFile = None,
    rotate: Annotated[list[str] | None, typer.Option(help="Make this one anew though it is set (repeatable).")] = None,
    as_json: AsJson = False,
) -> None:
    """Make every secret that is missing and can be made. What is set stays as it is, unless --rotate names it.

    Stripe's keys come from Stripe, except for stack local, which gets made-up ones. Exit code 1 if some must be set
    by hand.

    Example: scripts/store secrets generate -s staging
    """
    done = store.generate(Engine(stack, config_file), rotate or ())
    if as_json:
        by_hand = {secret.key: store.how_to_set(secret, stack) for secret in done.by_hand}
        output.as_json({"made": done.made, "kept": done.kept, "setByHand": by_hand})
    else:
        for key in done.made:
            print(f"made    {key}")
        for key in done.kept:
            print(f"kept    {key}")
        for secret in done.by_hand:
            print(f"missing {secret.key}: {store.how_to_set(secret, stack)}")
    raise typer.Exit(Exit.UNWELL if done.by_hand else Exit.OK)


@app.command("set")
def set_(key: str, stack: Stack = DEFAULT_STACK, config_file: ConfigFile = None) -> None:
    """Set one secret: asked for without echo, or read from stdin.

    Example: scripts/store secrets set stripeApiKey -s production < key.txt
    """
    value = typer.prompt(key, hide_input=True) if sys.stdin.isatty() else sys.stdin.read()
    store.set_value(Engine(stack, config_file), key, value)
    print(f"set {key} of stack {stack}; pulumi up -s {stack} puts it to use")


@app.command()
def rotate(key: str, stack: Stack = DEFAULT_STACK, config_file: ConfigFile = None, as_json: AsJson = False) -> None:
    """Make originSecret or passSecret anew; the value before stays valid beside it until it is removed.

    Prints the commands that come next, in their order.

    Example: scripts/store secrets rotate originSecret -s production
    """
    steps = store.rotate(Engine(stack, config_file), key)
    if as_json:
        output.as_json({"rotated": key, "next": steps})
        return
    print(f"made {key} of stack {stack} anew; the value before is accepted beside it. Next:")
    for step in steps:
        print(f"  {step}")


@app.command()
def check(stack: Stack = DEFAULT_STACK, config_file: ConfigFile = None, as_json: AsJson = False) -> None:
    """Check the stack's settings and secrets by the program's rules (Stripe's mode, forms, lengths).

    Exit code 1 if one is broken.

    Example: scripts/store secrets check -s production
    """
    problems = store.check(Engine(stack, config_file))
    if as_json:
        listed = [{"key": one.key, "value": one.value, "rule": one.rule, "fix": one.fix} for one in problems]
        output.as_json({"ok": not problems, "problems": listed})
    elif problems:
        for one in problems:
            print(f"{one}\n    {one.fix}")
    else:
        print(f"stack {stack}: settings and secrets are in order")
    raise typer.Exit(Exit.UNWELL if problems else Exit.OK)
