"""Takes out of node_modules what no server ever loads: half of it serves to build the admin, or to read the code.

What stays is what can be reached from the application's own dependencies. Edges from Medusa's packages to what only a
browser runs, or only the admin's build, are not followed (`BROWSER_ONLY`): the admin is built already. An application's
own dependency on one of these is followed all the same, so that React on the server (for mails) keeps working.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BROWSER_ONLY = frozenset(
    {
        "@ariakit/react",
        "@hookform/resolvers",
        "@medusajs/admin-vite-plugin",
        "@medusajs/dashboard",
        "@medusajs/icons",
        "@medusajs/ui",
        "@tanstack/react-query",
        "@uiw/react-json-view",
        "@vitejs/plugin-react",
        "autoprefixer",
        "date-fns",
        "match-sorter",
        "postcss",
        "radix-ui",
        "react",
        "react-dom",
        "react-hook-form",
        "react-router-dom",
        "tailwindcss",
        "vite",
    }
)
# For people and for tools that read code. Licences stay: they must go with the code.
UNREAD_SUFFIXES = (".map", ".d.ts", ".d.mts", ".d.cts", ".tsbuildinfo", ".flow", ".md", ".markdown")
# Written by package managers about themselves: times and paths of the building machine.
BOOKKEEPING = (".modules.yaml", ".pnpm-workspace-state.json", ".pnpm-workspace-state-v1.json", ".package-lock.json")


@dataclass(frozen=True)
class Pruned:
    """Counts for the progress line."""

    packages: int
    files: int
    bytes: int


def prune(root: Path) -> Pruned:
    """Prune `root`/node_modules in place, `root`/package.json being the application's."""
    modules = root / "node_modules"
    kept = reachable(root)
    packages = files = size = 0
    for package in sorted(_packages(modules), key=lambda path: len(path.parts), reverse=True):
        if package in kept or any(package in other.parents for other in kept):
            continue
        shutil.rmtree(package)
        packages += 1
    for parent, folders, names in os.walk(modules):
        if ".bin" in folders:
            # Launchers hold absolute paths; the units start files by name.
            shutil.rmtree(Path(parent, ".bin"))
            folders.remove(".bin")
        for name in names:
            lowered = name.lower()
            if lowered in BOOKKEEPING or (lowered.endswith(UNREAD_SUFFIXES) and not lowered.startswith("licen")):
                path = Path(parent, name)
                size += path.lstat().st_size
                path.unlink()
                files += 1
    _drop_empty(modules)
    return Pruned(packages, files, size)


def reachable(root: Path) -> set[Path]:
    """Folders of the packages that the application in `root` can load."""
    kept: set[Path] = set()
    queue = [(root, name, True) for name in _dependencies(_package(root), peers=False)]
    while queue:
        origin, name, followed = queue.pop()
        found = _resolve(origin, name, root)
        if found is None or not followed or found in kept:
            continue
        kept.add(found)
        package = _package(found)
        of_medusa = str(package.get("name", "")).startswith("@medusajs/")
        queue += [
            (found, other, not (of_medusa and other in BROWSER_ONLY)) for other in _dependencies(package, peers=True)
        ]
    return kept


def _dependencies(package: dict[str, Any], *, peers: bool) -> set[str]:
    names = set(package.get("dependencies", {})) | set(package.get("optionalDependencies", {}))
    if peers:
        # Optional peers too: whether one is used is known at run time only (ioredis is one of the framework's).
        names |= set(package.get("peerDependencies", {}))
    return names


def _resolve(origin: Path, name: str, root: Path) -> Path | None:
    """The folder that `require(name)` in `origin` would find, as Node looks for it; None when it is not installed."""
    folder = origin
    while True:
        candidate = folder / "node_modules" / name
        if (candidate / "package.json").is_file():
            return candidate
        if folder == root:
            return None
        folder = folder.parent


def _package(folder: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}
    return content


def _packages(modules: Path) -> Iterator[Path]:
    """Every package below a node_modules folder, also those inside packages."""
    if not modules.is_dir():
        return
    for entry in modules.iterdir():
        if entry.name.startswith(".") or not entry.is_dir():
            continue
        for package in entry.iterdir() if entry.name.startswith("@") else [entry]:
            if package.is_dir():
                yield package
                yield from _packages(package / "node_modules")


def _drop_empty(folder: Path) -> None:
    for parent, _, _ in os.walk(folder, topdown=False):
        if not os.listdir(parent):
            os.rmdir(parent)
