"""A Medusa application small enough for a unit test, and an npm that writes what it would have fetched."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.operator.process import Command, Result
from scripts.operator.release import registry


def put(path: Path, content: object) -> Path:
    """Write text, or anything else as JSON, making folders as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def package(folder: Path, name: str, **fields: object) -> Path:
    """An installed package with its main file."""
    put(folder / "package.json", {"name": name, "version": "1.0.0", "main": "index.js", **fields})
    put(folder / "index.js", "module.exports = 1\n")
    return folder


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A folder that looks like a Medusa application with npm's lock file."""
    folder = tmp_path / "shop"
    dependencies = {"@medusajs/medusa": "2.21.2"}
    put(folder / "package.json", {"name": "shop", "dependencies": dependencies, "engines": {"node": ">=22 <23"}})
    put(folder / "package-lock.json", {"lockfileVersion": 3})
    put(folder / "medusa-config.ts", "export default {}\n")
    return folder


@pytest.fixture
def node_pin(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The one Node that there is to fetch: its tarball, pinned."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in ("package/bin/node", "package/LICENSE"):
            member = tarfile.TarInfo(name)
            member.size = 4
            archive.addfile(member, io.BytesIO(b"node"))
    content = buffer.getvalue()
    pin = registry.Pin(registry.NODE_PACKAGE, "22.1.0", hashlib.sha512(content).hexdigest())
    monkeypatch.setattr(registry, "node_for", lambda engines: pin)
    return content


@pytest.fixture
def npm(node_pin: bytes) -> Callable[[Command], Result]:
    """Does to the folder what npm and `medusa build` do, and keeps count in `.commands`."""

    def run(command: Command) -> Result:
        run.commands.append(command.argv)  # type: ignore[attr-defined]
        assert command.directory is not None
        folder = command.directory
        if command.argv[:2] == ("npm", "pack"):
            (folder / "node.tgz").write_bytes(node_pin)
        elif command.argv == ("npm", "ci"):
            package(folder / "node_modules/@medusajs/medusa", "@medusajs/medusa")
        elif command.argv[-1] == "build":
            put(folder / ".medusa/server/package.json", (folder / "package.json").read_text())
            put(folder / ".medusa/server/public/admin/index.html", "<html>")
            return Result(0, run.build_says)  # type: ignore[attr-defined]
        elif "--omit=dev" in command.argv:
            medusa = package(folder / "node_modules/@medusajs/medusa", "@medusajs/medusa", version="2.21.2")
            put(medusa / "index.js.map", "{}")
            put(medusa / "dist/index.js", "")
            put(folder / "node_modules/.package-lock.json", "{}")
            package(folder / "node_modules/unneeded", "unneeded")
        return Result(0)

    run.commands = []  # type: ignore[attr-defined]
    run.build_says = ""  # type: ignore[attr-defined]
    return run
