"""The top of `scripts/store`: joins the commands and turns failures into a few plain lines and an exit code."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback

import typer

from scripts.operator import output
from scripts.operator.errors import Exit, OperatorError
from scripts.operator.registry import register_all

HELP = """Look after the OpticWorks store: its state, a customer's path, its secrets, its machines.

Exit codes: 0 all is well · 1 something is not well · 2 called wrongly · 3 could not look (not up, tool missing).

Example: scripts/store status -s local
"""


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="store",
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    register_all(app)
    return app


def main() -> int:
    """Run the command line of this process; the exit code. No failure reaches the user as a traceback."""
    try:
        return _run()
    except BrokenPipeError:
        # Whoever read our output (head, less) has enough: not a failure, and nothing to say to a closed pipe.
        os._exit(0)
    except OperatorError as error:
        output.problem(error)
        return int(error.code)
    except KeyboardInterrupt:
        return 130
    except OSError as error:  # a full disk, a closed output: no fault of ours, and no traceback tells more
        where = f"{error.filename}: " if error.filename else ""
        output.problem(OperatorError(f"{where}{error.strerror or error}"))
        _give_up_on_stdout()
    except Exception as error:  # the last line of defence: a fault of ours, told in two lines and kept in a file
        output.problem(
            OperatorError(
                f"a fault in this command: {type(error).__name__}: {error}",
                advice=f"the details are in {_keep(error)}; please report them",
            )
        )
    return int(Exit.CANNOT)


def _give_up_on_stdout() -> None:
    """Write what is left, or forget it: Python would try again at the very end, and say so on stderr."""
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = None


def _run() -> int:
    """Run it; the exit code. A closed pipe, and all else that keeps the output from being written, is raised."""
    code: int | str | None = 0
    try:
        build()(prog_name="scripts/store")
    except SystemExit as ended:
        code = ended.code
        # Typer tells a closed pipe by this and by nothing else.
        if type(sys.stdout).__name__ == "PacifyFlushWrapper":
            raise BrokenPipeError from None
    if sys.stdout is not None:
        sys.stdout.flush()
    return code if isinstance(code, int) else int(code is not None)


def _keep(error: Exception) -> str:
    """Write the traceback where only its owner reads it; the path."""
    descriptor, path = tempfile.mkstemp(prefix="store-fault-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("".join(traceback.format_exception(error)))
    return path
