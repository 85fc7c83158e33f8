"""The tree of an expression, and the error of one that is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class ExpressionError(ValueError):
    """An expression that Cloudflare would refuse; ``position`` counts characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} (at character {position + 1})")
        self.position = position


@dataclass(frozen=True)
class Literal:
    value: str | int | bool | Address


@dataclass(frozen=True)
class Field:
    name: str


@dataclass(frozen=True)
class Index:
    """An element: of an array by number, of a map by key, or every one (``*``, as key None)."""

    base: Node
    key: str | int | None


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    operand: Node


@dataclass(frozen=True)
class Logic:
    """``and``, ``or`` or ``xor``."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Compare:
    """``eq ne lt le gt ge contains``, of a value with a literal."""

    operator: str
    left: Node
    right: Literal


@dataclass(frozen=True)
class Match:
    """``matches``, ``wildcard`` or ``strict wildcard``; the pattern says all of it."""

    left: Node
    pattern: re.Pattern[str]
    whole: bool


@dataclass(frozen=True)
class In:
    """Membership in a set of values, number ranges (first, last) and networks."""

    left: Node
    items: tuple[str | int | tuple[int, int] | Network, ...]


Node = Literal | Field | Index | Call | Not | Logic | Compare | Match | In
