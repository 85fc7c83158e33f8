"""Path globs of ``assetPaths`` and ``archivePaths``: ``*`` stops at ``/``, ``**`` does not, ``!`` takes away."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from localcloud.plugins.base.errors import ProviderError


def select(folder: str, globs: list[str]) -> list[str]:
    """Files below a folder, relative to it, after applying the rules in their order."""
    rules = [(glob.startswith("!"), compile_glob(glob.removeprefix("!"))) for glob in globs]
    chosen: list[str] = []
    for path in _files(folder):
        included = False
        for excludes, pattern in rules:
            if pattern.fullmatch(path):
                included = not excludes
        if included:
            chosen.append(path)
    return chosen


def _files(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            yield os.path.relpath(os.path.join(parent, file), folder)


def compile_glob(glob: str) -> re.Pattern[str]:
    """A glob as a regular expression; raises ProviderError when it is malformed."""
    pattern, index, depth = "", 0, 0
    while index < len(glob):
        char = glob[index]
        index += 1
        if char == "*":
            if glob[index : index + 1] == "*":
                index += 1
                pattern += ".*"
            else:
                pattern += "[^/]*"
        elif char == "?":
            pattern += "[^/]"
        elif char == "[":
            end = glob.find("]", index + 1)
            if end < 0:
                raise ProviderError(f"glob {glob!r}: '[' without ']'")
            body = glob[index:end].replace("\\", "\\\\")
            pattern += "[" + ("^" + body[1:] if body.startswith("!") else body) + "]"
            index = end + 1
        elif char == "{":
            depth += 1
            pattern += "(?:"
        elif char == "}" and depth:
            depth -= 1
            pattern += ")"
        elif char == "," and depth:
            pattern += "|"
        elif char == "\\" and index < len(glob):
            pattern += re.escape(glob[index])
            index += 1
        else:
            pattern += re.escape(char)
    if depth:
        raise ProviderError(f"glob {glob!r}: '{{' without '}}'")
    return re.compile(pattern, re.DOTALL)
