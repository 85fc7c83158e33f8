"""The storefront's app, as its files describe it, and what decides what its bundle will be."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.operator import building
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
    package = building.package(folder, "the storefront's folder, as examples/storefront")
    package_file = folder / "package.json"
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
    return building.own_files(folder, IGNORED_FOLDERS, IGNORED_FILES)


def input_hash(folder: Path, environment: Mapping[str, str], *others: str) -> str:
    """sha256 (hex) of what decides what the bundle will be: the app's files, variables that it inlines, `others`."""
    digest = hashlib.sha256()
    for other in (*others, *sorted(f"{k}={v}" for k, v in environment.items() if k.startswith(INLINED))):
        digest.update(f"{other}\n".encode())
    for path in files(folder):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()
