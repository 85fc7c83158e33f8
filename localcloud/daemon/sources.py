"""Which code a daemon runs, so that a later `start` sees that other code lies here by now."""

from __future__ import annotations

import hashlib
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
CODE = frozenset({".py", ".json"})
APART = frozenset({"__pycache__", "plugins"})
"""Folders that no daemon runs: the providers' stand-ins are the engine's processes, new for each command."""


def digest(package: Path = PACKAGE) -> str:
    """16 hexadecimal digits over names and contents of the code that a daemon runs; takes some hundredths of a second.

    Contents, not times: a checkout that went to another branch and back has new files and the same code.
    """
    found = hashlib.sha256()
    for file in sorted(package.rglob("*")):
        inside = file.relative_to(package)
        if file.suffix in CODE and not APART.intersection(inside.parts):
            found.update(f"{inside}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:16]
