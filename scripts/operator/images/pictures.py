"""Pictures of a folder, under the names that they have in Cloudflare Images."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from scripts.operator.errors import UsageProblem

TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
LARGEST_BYTES = 10 * 1024 * 1024
"""Cloudflare's limit for one picture."""
NAME = re.compile(r"[A-Za-z0-9._/-]{1,1024}")
"""Narrower than Cloudflare's rule: these need no escape in an address."""


@dataclass(frozen=True)
class Picture:
    """`name` is its id at Cloudflare: the environment, then its path without the suffix."""

    name: str
    path: Path
    sha256: str

    @property
    def kind(self) -> str:
        """Its content type."""
        return TYPES[self.path.suffix.lower()]


def found(folder: Path, environment: str) -> list[Picture]:
    """The pictures below a folder, by name. UsageProblem names every file that cannot be one."""
    if not folder.is_dir():
        raise UsageProblem(
            f"{folder} is no folder", advice="name one that holds pictures: examples/storefront/public/images"
        )
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in TYPES and path.is_file())
    if not paths:
        raise UsageProblem(f"{folder} holds no picture ({', '.join(TYPES)})", advice="name the folder that they are in")
    pictures: dict[str, Picture] = {}
    problems = []
    for path in paths:
        name = f"{environment}/{path.relative_to(folder).with_suffix('').as_posix()}"
        if not NAME.fullmatch(name):
            problems.append(f"{path}: its name may hold letters, digits, '.', '_', '-' only")
        elif name in pictures:
            problems.append(f"{path}: {pictures[name].path} would have the same name, {name}")
        elif path.stat().st_size > LARGEST_BYTES:
            problems.append(f"{path}: {path.stat().st_size / 1e6:.1f} MB, and Cloudflare takes 10 MiB at most")
        else:
            pictures[name] = Picture(name, path, hashlib.sha256(path.read_bytes()).hexdigest())
    if problems:
        raise UsageProblem(
            "not every picture can be uploaded:\n  " + "\n  ".join(problems), advice="rename or shrink them"
        )
    return list(pictures.values())
