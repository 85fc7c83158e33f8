"""The SDK's properties of resources and types, as ``tables.json`` has them (``generate.py`` says how it is made)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Property:
    """One property. ``kind`` as in the file: ``string``, ``[kind]``, ``{kind}``, ``#Type`` and so on."""

    name: str
    kind: str
    required: bool = False
    output: bool = False
    """Set by the provider alone."""


@dataclass(frozen=True)
class Table:
    """A resource's properties by name, and the names of outputs that are secret by the SDK's word."""

    properties: dict[str, Property]
    secrets: frozenset[str]


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(__file__).with_name("tables.json").read_text())
    return document


def _properties(lines: dict[str, str]) -> dict[str, Property]:
    found = {}
    for written, kind in lines.items():
        name = written.rstrip("!-")
        found[name] = Property(name, kind, required=written.endswith("!"), output=written.endswith("-"))
    return found


@cache
def table(resource: str) -> Table:
    """The table of a resource: ``DnsRecord``."""
    found = _document()["resources"][resource]
    return Table(_properties(found["properties"]), frozenset(found["secrets"]))


@cache
def fields(kind: str) -> dict[str, Property] | None:
    """The properties of a ``#Type``; None for any other kind."""
    return _properties(_document()["types"][kind[1:]]) if kind.startswith("#") else None


@cache
def result(function: str) -> dict[str, Property]:
    """What a function returns: ``getZone``."""
    return _properties(_document()["functions"][function])


def item(kind: str) -> str:
    """The kind of a list's items or a map's values."""
    return kind[1:-1]


def token(resource: str) -> str:
    """``cloudflare:index/dnsRecord:DnsRecord`` of ``DnsRecord``."""
    return f"cloudflare:index/{resource[0].lower()}{resource[1:]}:{resource}"
