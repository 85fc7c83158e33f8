"""Names for resources whose program gives none: the resource's own name and a few random digits."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Autonaming:
    """What the engine's ``pulumi:autonaming`` configuration says of one resource."""

    mode: Literal["propose", "enforce", "disable"]
    proposed: str = ""


def urn_name(urn: str) -> str:
    """The last part of a URN: the name that the program gave."""
    return urn.rsplit("::", 1)[-1]


def unique_name(name: str, seed: bytes, separator: str = "-", digits: int = 7, limit: int = 255) -> str:
    """``name`` and random hex digits; with the engine's seed they are the same in preview and update."""
    suffix = seed.hex()[:digits] if len(seed) * 2 >= digits else secrets.token_hex(digits)[:digits]
    result = f"{name}{separator}{suffix}"
    return result if len(result) <= limit else result[: limit - len(suffix)] + suffix
