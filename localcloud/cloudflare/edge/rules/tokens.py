"""The words of an expression."""

from __future__ import annotations

import re
from dataclasses import dataclass

from localcloud.cloudflare.edge.rules.syntax import ExpressionError

WORDS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "~": "matches"}
WORDS |= {"&&": "and", "||": "or", "^^": "xor", "!": "not"}

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<raw>r(?P<hashes>\#*)"(?P<inner>.*?)"(?P=hashes))
  | (?P<string>"(?:[^"\\]|\\.)*")
  | (?P<range>-?\d+\.\.-?\d+)
  | (?P<address>\d{1,3}(?:\.\d{1,3}){3}(?:/\d+)? | [0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:/\d+)?)
  | (?P<number>-?\d+)
  | (?P<name>\$?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
  | (?P<symbol>==|!=|<=|>=|&&|\|\||\^\^|[<>~!(){}\[\],*])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)


@dataclass(frozen=True)
class Token:
    """``kind`` is string, number, range, address, name, symbol or end; ``text`` is a string's value, unescaped."""

    kind: str
    text: str
    position: int


def tokens(expression: str) -> list[Token]:
    """All tokens, the last of kind ``end``.

    :raises ExpressionError: a character that starts none.
    """
    found: list[Token] = []
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise ExpressionError(f"unexpected {expression[position]!r}", position)
        kind, text = str(match.lastgroup), match.group()
        if match.group("raw") is not None:
            kind, text = "string", match.group("inner")
        elif kind == "string":
            text = _ESCAPE.sub(_unescape, text[1:-1])
        elif kind == "symbol" and text in WORDS:
            kind, text = "name", WORDS[text]
        if kind != "space":
            found.append(Token(kind, text, position))
        position = match.end()
    return [*found, Token("end", "", len(expression))]


def _unescape(match: re.Match[str]) -> str:
    text = match.group(1)
    return chr(int(text[1:], 16)) if len(text) == 3 else text
