"""The functions that expressions may call."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _substring(value: str, start: int, end: int | None = None) -> str:
    data = value.encode()
    return data[start:end].decode("utf-8", "ignore")


def _regex_replace(value: str, pattern: str, replacement: str) -> str:
    expanded = re.sub(r"\$\{?(\w+)\}?", r"\\g<\1>", replacement.replace("\\", "\\\\"))
    return re.sub(pattern, expanded, value, count=1)


def glob(pattern: str) -> str:
    """The regular expression of a wildcard pattern: ``*`` is anything, ``\\*`` and ``\\\\`` are themselves."""
    parts = re.split(r"(\\\*|\\\\|\*)", pattern)
    return "".join("(.*)" if part == "*" else re.escape(part[1:] if part in (r"\*", r"\\") else part) for part in parts)


def _wildcard_replace(value: str, pattern: str, replacement: str, flags: str = "") -> str:
    found = re.fullmatch(glob(pattern), value, 0 if "s" in flags else re.IGNORECASE)
    if found is None:
        return value
    return re.sub(r"\$\{(\d+)\}", lambda match: found.group(int(match.group(1))), replacement)


def _remove_query_args(query: str, *names: str) -> str:
    return urlencode([pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in names])


def _lookup_json(value: str, *keys: Any) -> Any:
    try:
        found = json.loads(value)
        for key in keys:
            found = found[key]
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    return found


ELEMENTWISE: dict[str, tuple[Callable[..., Any], int, int]] = {
    "concat": (lambda *values: "".join(_text(value) for value in values), 1, 32),
    "decode_base64": (lambda value: base64.b64decode(value).decode("utf-8", "replace"), 1, 1),
    "encode_base64": (lambda value, *_: base64.b64encode(value.encode()).decode(), 1, 2),
    "ends_with": (lambda value, end: value.endswith(end), 2, 2),
    "len": (lambda value: len(value.encode()) if isinstance(value, str) else len(value), 1, 1),
    "lookup_json_integer": (_lookup_json, 2, 32),
    "lookup_json_string": (_lookup_json, 2, 32),
    "lower": (lambda value: value.lower(), 1, 1),
    "regex_replace": (_regex_replace, 3, 3),
    "remove_query_args": (_remove_query_args, 2, 32),
    "sha256": (lambda value: hashlib.sha256(value.encode()).hexdigest(), 1, 1),
    "starts_with": (lambda value, start: value.startswith(start), 2, 2),
    "substring": (_substring, 2, 3),
    "to_string": (_text, 1, 1),
    "upper": (lambda value: value.upper(), 1, 1),
    "url_decode": (lambda value, *_: unquote(value), 1, 2),
    "wildcard_replace": (_wildcard_replace, 3, 4),
}
"""By name: the function, and how many arguments it takes at least and at most. An array's elements come one by one."""

WHOLE: dict[str, tuple[Callable[..., Any], int, int]] = {
    "all": (lambda values: all(values), 1, 1),
    "any": (lambda values: any(values), 1, 1),
    "has_key": (lambda values, key: key in values, 2, 2),
    "has_value": (lambda values, value: value in values, 2, 2),
    "join": (lambda values, separator: separator.join(values), 2, 2),
    "split": (lambda value, separator, limit=-1: value.split(separator, limit), 2, 3),
    "uuidv4": (lambda *_: str(uuid.uuid4()), 0, 1),
}
"""Those that take an array as it is."""

FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {**ELEMENTWISE, **WHOLE}
