"""Starts `store-release` from the folder that it lies in; there it is called __main__.py."""

from __future__ import annotations

import sys

from store_release.cli import main  # type: ignore[import-not-found]

sys.exit(main(sys.argv[1:]))
