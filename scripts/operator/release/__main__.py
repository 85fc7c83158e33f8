"""`python -m scripts.operator.release build --app examples/backend`: the group on its own."""

from __future__ import annotations

import sys

from scripts.operator import output
from scripts.operator.errors import OperatorError
from scripts.operator.release.command import app

if __name__ == "__main__":
    try:
        app(prog_name="python -m scripts.operator.release")
    except OperatorError as error:
        output.problem(error)
        sys.exit(int(error.code))
