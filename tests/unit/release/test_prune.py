"""What stays of node_modules: too much is slow on every server, too little does not start."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.operator.release.prune import prune
from tests.unit.release.conftest import package, put


@pytest.fixture
def root(tmp_path: Path) -> Path:
    modules = tmp_path / "node_modules"
    put(tmp_path / "package.json", {"dependencies": {"@medusajs/medusa": "2"}})
    package(modules / "@medusajs/medusa", "@medusajs/medusa", dependencies={"@medusajs/dashboard": "2", "express": "4"})
    package(modules / "@medusajs/dashboard", "@medusajs/dashboard", dependencies={"react": "18", "shared": "1"})
    package(modules / "express", "express", dependencies={"shared": "1"}, peerDependencies={"ioredis": "5"})
    package(modules / "express/node_modules/shared", "shared", version="1.2.0")
    for name in ("react", "shared", "ioredis", "stray"):
        package(modules / name, name)
    return tmp_path


def left(root: Path) -> set[str]:
    modules = root / "node_modules"
    return {path.parent.relative_to(modules).as_posix() for path in modules.rglob("package.json")}


def test_the_browsers_half_goes_and_what_servers_load_stays(root: Path) -> None:
    """The dashboard alone is 48 MB that no server reads: the admin is built."""
    assert prune(root).packages == 4
    assert left(root) == {"@medusajs/medusa", "express", "express/node_modules/shared", "ioredis"}


def test_react_of_the_applications_own_stays(root: Path) -> None:
    """Mails are rendered with React on the server."""
    put(root / "package.json", {"dependencies": {"@medusajs/medusa": "2", "react": "18"}})
    prune(root)
    assert "react" in left(root)


def test_licences_stay_and_bookkeeping_goes(root: Path) -> None:
    """A release must be the same bytes wherever it is built, and must carry the licences of what it holds."""
    express = root / "node_modules/express"
    for name in ("LICENSE.md", "README.md", "index.js.map", "types.d.ts"):
        put(express / name, "x")
    put(root / "node_modules/.modules.yaml", "prunedAt: now")
    put(root / "node_modules/.bin/medusa", "#!/home/somebody")
    prune(root)
    assert sorted(path.name for path in express.iterdir()) == ["LICENSE.md", "index.js", "node_modules", "package.json"]
    assert not (root / "node_modules/.modules.yaml").exists() and not (root / "node_modules/.bin").exists()
