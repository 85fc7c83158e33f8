"""`python -m scripts.operator`: the entry point behind `scripts/store`."""

from __future__ import annotations

import sys

from scripts.operator.cli import main

if __name__ == "__main__":
    sys.exit(main())
