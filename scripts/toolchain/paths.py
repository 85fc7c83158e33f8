"""Where the toolchain keeps things and what it installs. Standard library only: it runs first."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
"""State of this checkout: the embedded cloud, the local stack, logs. Never committed."""

PULUMI_VERSION = "v3.274.1"
"""The CLI's version, as go.mod pins it too; an older one on PATH is not used."""

PULUMI = LOCAL / "toolchain" / "pulumi"
"""A link to the CLI that this checkout uses."""

LOGS = LOCAL / "logs"
PYTHON = ROOT / ".venv" / "bin" / "python"


def cache() -> Path:
    """What every checkout of this machine shares: ``$XDG_CACHE_HOME/opticworks``, by default below ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opticworks"


def environment_folder() -> Path:
    """The virtual environment for this lock file and this Python: another lock or Python is another folder."""
    key = (ROOT / "requirements.lock").read_bytes() + f"Python {platform.python_version()}\n".encode()
    return cache() / "venv" / hashlib.sha256(key).hexdigest()[:16]
