"""Which commands there are. A command is a package here with a `command.py` that offers `register(app)`.

To add one (deploy, backup, restore, alerts, …): make its package and add its name to COMMANDS; the order is the help's.
Groups of commands keep to Typer's own form, `app`, and are joined as they are.
"""

from __future__ import annotations

import importlib

import typer

COMMANDS = ("status", "smoke", "secrets", "ssh")
GROUPS = ("release", "storefront", "images", "maintenance")


def register_all(app: typer.Typer) -> None:
    """Join every command to `app`."""
    for name in COMMANDS:
        importlib.import_module(f"scripts.operator.{name}.command").register(app)
    for name in GROUPS:
        app.add_typer(importlib.import_module(f"scripts.operator.{name}.command").app, name=name)
