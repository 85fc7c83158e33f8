"""Starts the readiness service from the folder that it lies in; there it is called __main__.py."""

from __future__ import annotations

import sys

from medusa_ready.service import main  # type: ignore[import-not-found]

sys.exit(main())
