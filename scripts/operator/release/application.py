"""The application to release, as its files describe it: name, Node it asks for, package manager, inputs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scripts.operator import building
from scripts.operator.errors import UsageProblem

Manager = Literal["pnpm", "npm"]

LOCKS: dict[Manager, str] = {"pnpm": "pnpm-lock.yaml", "npm": "package-lock.json"}
# Made by tools or by people for their own machine: never part of what is released.
IGNORED_FOLDERS = frozenset({"node_modules", ".medusa", ".git", ".cache", "coverage", ".pnpm-store"})
IGNORED_FILES = re.compile(r"^(\.env(\..*)?|.*\.log|.*\.tsbuildinfo|\.DS_Store|README\.md)$")


@dataclass(frozen=True)
class Application:
    """A Medusa application's folder and what its package.json says."""

    folder: Path
    name: str
    medusa: str
    """Version of @medusajs/medusa as package.json asks for it."""
    engines: str
    """The range of Node versions it runs on, as npm writes ranges; empty when it says nothing."""
    manager: Manager
    manager_pin: str | None
    """`VERSION+sha512.HEX` from `packageManager`; None for npm, which comes with Node."""


def read(folder: Path) -> Application:
    """Read the application in `folder`; UsageProblem says what is missing."""
    package = building.package(folder, "the Medusa application's folder, as examples/backend")
    package_file = folder / "package.json"
    medusa = package.get("dependencies", {}).get("@medusajs/medusa")
    if not medusa:
        raise UsageProblem(
            f"{package_file}: @medusajs/medusa is not among its dependencies",
            advice="only Medusa 2 applications can be released",
        )
    manager = _manager(folder)
    return Application(
        folder=folder,
        name=str(package.get("name") or folder.name),
        medusa=str(medusa),
        engines=str(package.get("engines", {}).get("node", "")),
        manager=manager,
        manager_pin=_pin(package.get("packageManager"), package_file) if manager == "pnpm" else None,
    )


def _manager(folder: Path) -> Manager:
    for manager, lock in LOCKS.items():
        if (folder / lock).is_file():
            return manager
    raise UsageProblem(
        f"{folder}: no lock file ({' or '.join(LOCKS.values())})",
        advice="without one a release could not be built a second time: run `pnpm install` or `npm install` there",
    )


def _pin(value: object, package_file: Path) -> str:
    matched = re.fullmatch(r"pnpm@(\d+\.\d+\.\d+\+sha512\.[0-9a-f]{128})", str(value or ""))
    if matched is None:
        raise UsageProblem(
            f'{package_file}: packageManager is "{value}", not "pnpm@VERSION+sha512.HEX"',
            advice="run `corepack use pnpm@10` there: it writes version and hash",
        )
    return matched[1]


def files(folder: Path) -> Iterator[Path]:
    """The application's own files, sorted by path, links not followed."""
    return building.own_files(folder, IGNORED_FOLDERS, IGNORED_FILES)


def input_hash(application: Application, *pins: str) -> str:
    """sha256 (hex) of everything that decides what the release will be: files, pins, this builder's own code."""
    digest = hashlib.sha256()
    for pin in pins:
        digest.update(f"pin {pin}\n".encode())
    builder = Path(__file__).parent
    own = [path for path in files(builder) if path.suffix != ".pyc"]
    sources = {application.folder: files(application.folder), builder.parent: [*own, Path(building.__file__)]}
    for origin, paths in sources.items():
        for path in paths:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            executable = bool(path.stat().st_mode & 0o100)
            digest.update(f"{path.relative_to(origin).as_posix()} {executable:d} {content}\n".encode())
    return digest.hexdigest()
