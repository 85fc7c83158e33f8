"""What npm installs for the storefront is decided by the lock files, wherever they are used."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = [ROOT / "components/storefront/worker", ROOT / "examples/storefront"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_lock_names_no_registry(package: Path) -> None:
    """A lock with addresses asked the registry of the one who wrote it, and failed behind everybody else's mirror."""
    lock = json.loads((package / "package-lock.json").read_text())
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
    assert "omit-lockfile-registry-resolved=true" in (package / ".npmrc").read_text().splitlines()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_versions_are_exact(package: Path) -> None:
    """A caret let a minor release of wrangler, which wanted a newer Node, into a build that nobody had changed."""
    manifest = json.loads((package / "package.json").read_text())
    wanted = {**manifest.get("dependencies", {}), **manifest.get("devDependencies", {})}
    assert wanted
    assert not {name: version for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)}
