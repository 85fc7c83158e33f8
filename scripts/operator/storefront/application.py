"""The storefront's app, as its files describe it, and what decides what its bundle will be."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.operator.errors import UsageProblem

SCRIPT = "build:worker"
"""The app's npm script that leaves in `OUTPUT` what `wrangler deploy --dry-run --outdir` wrote, with assets/."""
OUTPUT = "dist"
LOCK = "package-lock.json"
# Made by tools or by people for their own machine: never part of what is built.
IGNORED_FOLDERS = frozenset(
    {"node_modules", ".next", ".open-next", ".wrangler", ".git", ".cache", "coverage", ".turbo", OUTPUT}
)
IGNORED_FILES = re.compile(
    r"^(\.env(\..*)?|\.dev\.vars(\..*)?|.*\.log|.*\.tsbuildinfo|next-env\.d\.ts|\.DS_Store|README\.md)$"
)
INLINED = "NEXT_PUBLIC_"
"""Variables by such a name are written into the bundle when it is built."""


@dataclass(frozen=True)
class Application:
    folder: Path
    name: str


def read(folder: Path) -> Application:
    """The app in `folder`; UsageProblem says what is missing."""
    package_file = folder / "package.json"
    if not package_file.is_file():
        raise UsageProblem(
            f"--app {folder}: no package.json there", advice="name the storefront's folder, as examples/storefront"
        )
    try:
        package: dict[str, Any] = json.loads(package_file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UsageProblem(f"{package_file} is not JSON: {error}", advice="correct the file") from error
    if SCRIPT not in package.get("scripts", {}):
        raise UsageProblem(
            f'{package_file}: no script "{SCRIPT}"',
            advice=f"add one as in examples/storefront: it leaves the bundled Worker in {OUTPUT}/, with assets/ in it",
        )
    if not (folder / LOCK).is_file():
        raise UsageProblem(
            f"{folder}: no {LOCK}",
            advice="without one a bundle could not be built a second time: run `npm install` there",
        )
    return Application(folder, str(package.get("name") or folder.name))


def files(folder: Path) -> Iterator[Path]:
    """The app's own files, sorted by path, links not followed."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in IGNORED_FOLDERS)
        for name in sorted(names):
            if not IGNORED_FILES.match(name):
                yield Path(parent, name)


def input_hash(folder: Path, environment: Mapping[str, str], *others: str) -> str:
    """sha256 (hex) of what decides what the bundle will be: the app's files, variables that it inlines, `others`."""
    digest = hashlib.sha256()
    for other in (*others, *sorted(f"{k}={v}" for k, v in environment.items() if k.startswith(INLINED))):
        digest.update(f"{other}\n".encode())
    for path in files(folder):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()
