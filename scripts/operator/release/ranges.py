"""npm's version ranges, as far as `engines` fields use them: comparators, ^, ~, x-ranges, joined by spaces and ||."""

from __future__ import annotations

import re

Version = tuple[int, int, int]
TERM = re.compile(
    r"(?P<op>>=|<=|>|<|=|\^|~)?\s*v?(?P<major>\d+|[xX*])(\.(?P<minor>\d+|[xX*]))?(\.(?P<patch>\d+|[xX*]))?"
)


def parse(text: str) -> Version:
    """`22.23.3` → (22, 23, 3)."""
    major, minor, patch = text.split(".")
    return int(major), int(minor), int(patch)


def satisfies(version: Version, wanted: str) -> bool:
    """Whether `version` lies in the range; an empty one holds every version. ValueError: not understood."""
    return any(_all(version, part.strip()) for part in wanted.split("||"))


def _all(version: Version, part: str) -> bool:
    if part in ("", "*", "latest"):
        return True
    low_high = re.fullmatch(r"(\S+)\s+-\s+(\S+)", part)
    if low_high:
        part = f">={low_high[1]} <={low_high[2]}"
    position = 0
    while position < len(part):
        matched = TERM.match(part, position)
        if matched is None:
            raise ValueError(f"not a version range: {part!r}")
        low, high = _bounds(matched)
        if not low <= version < high:
            return False
        position = matched.end()
        while position < len(part) and part[position] == " ":
            position += 1
    return True


def _bounds(term: re.Match[str]) -> tuple[Version, Version]:
    """The half-open interval of one comparator."""
    most: Version = (10**6, 0, 0)
    numbers = [int(value) if (value := term[key]) and value.isdigit() else None for key in ("major", "minor", "patch")]
    major, minor, patch = numbers
    if major is None:
        return (0, 0, 0), most
    floor: Version = (major, minor or 0, patch or 0)
    # The first version past everything that the given digits name: 22 → 23.0.0, 22.12 → 22.13.0, 22.12.1 → 22.12.2.
    if minor is None:
        past: Version = (major + 1, 0, 0)
    elif patch is None:
        past = (major, minor + 1, 0)
    else:
        past = (major, minor, patch + 1)
    match term["op"]:
        case ">=":
            return floor, most
        case ">":
            return past, most
        case "<":
            return (0, 0, 0), floor
        case "<=":
            return (0, 0, 0), past
        case "^":
            return floor, (major + 1, 0, 0) if major else (0, (minor or 0) + 1, 0)
        case "~":
            return floor, (major + 1, 0, 0) if minor is None else (major, minor + 1, 0)
        case _:
            return floor, past
