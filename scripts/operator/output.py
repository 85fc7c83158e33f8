"""How things are said: tables for people on stdout, JSON for programs on stdout, problems on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from scripts.operator.errors import OperatorError

STYLES = {"healthy": "green", "ok": "green", "set": "green", "unhealthy": "red", "failed": "red", "missing": "red"}


def console() -> Console:
    """A console on the stdout of now; where it is a file or a pipe, lines are not cut to a terminal's width."""
    plain = Console()
    return plain if plain.is_terminal else Console(width=200)


def as_json(value: Any) -> None:
    """`value` on stdout, and nothing else there."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A plain table; a cell that is one of STYLES's words takes its colour."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    return made


def problem(error: OperatorError) -> None:
    """What failed, what the tool said and what to do next, on stderr."""
    lines = [f"error: {error.message}"]
    lines += [f"    {line}" for line in error.detail.strip().splitlines()]
    if error.advice:
        lines.append(f"what to do: {error.advice}")
    sys.stderr.write("\n".join(lines) + "\n")
