"""The Worker before the storefront's bundle: its own tests, in workerd, and its types."""

from __future__ import annotations

import subprocess
from pathlib import Path


def npm(worker: Path, *arguments: str) -> None:
    ran = subprocess.run(["npm", *arguments], cwd=worker, capture_output=True, text=True)
    assert ran.returncode == 0, f"npm {' '.join(arguments)}:\n{ran.stdout}\n{ran.stderr}"


def test_the_worker_does_what_it_says_in_workerd(worker: Path) -> None:
    """Its tests name the incidents: a store that answered 200 in maintenance, a forged pass, a lost body."""
    npm(worker, "test")


def test_types_and_style(worker: Path) -> None:
    """A binding renamed on one side only is found here, not by customers."""
    npm(worker, "run", "check")
