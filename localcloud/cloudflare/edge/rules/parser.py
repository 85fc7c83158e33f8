"""From an expression's text to its tree."""

from __future__ import annotations

import functools
import ipaddress
import re

from localcloud.cloudflare.edge.rules import functions
from localcloud.cloudflare.edge.rules.fields import FIELDS
from localcloud.cloudflare.edge.rules.syntax import (
    Call,
    Compare,
    ExpressionError,
    Field,
    In,
    Index,
    Literal,
    Logic,
    Match,
    Network,
    Node,
    Not,
)  # fmt: skip
from localcloud.cloudflare.edge.rules.tokens import Token, tokens

MAX_LENGTH = 4096
"""Characters of an expression, at most."""
MAX_DEPTH = 100
COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "contains"})
PRECEDENCE = ("or", "xor", "and")


@functools.lru_cache(maxsize=1024)
def parse(expression: str) -> Node:
    """The tree of an expression.

    :raises ExpressionError: Cloudflare would refuse it, or it names what is not known here.
    """
    if len(expression) > MAX_LENGTH:
        raise ExpressionError(
            f"an expression has at most {MAX_LENGTH} characters, this one {len(expression)}", MAX_LENGTH
        )
    parser = _Parser(tokens(expression))
    node = parser.logic(0)
    parser.expect("end", "")
    return node


class _Parser:
    def __init__(self, words: list[Token]) -> None:
        self._words = words
        self._at = 0
        self._depth = 0

    @property
    def _next(self) -> Token:
        return self._words[self._at]

    def _take(self) -> Token:
        self._at += 1
        return self._words[self._at - 1]

    def _accept(self, kind: str, *texts: str) -> Token | None:
        return self._take() if self._next.kind == kind and self._next.text in texts else None

    def expect(self, kind: str, text: str) -> None:
        if self._accept(kind, text) is None:
            self._fail(f"expected {text or 'the end'!r}")

    def _fail(self, message: str) -> ExpressionError:
        found = self._next.text or "the end"
        raise ExpressionError(f"{message}, found {found!r}", self._next.position)

    def logic(self, level: int) -> Node:
        """Operators of this precedence and above, from the left."""
        if level == len(PRECEDENCE):
            return self._negation()
        left = self.logic(level + 1)
        while self._accept("name", PRECEDENCE[level]):
            left = Logic(PRECEDENCE[level], left, self.logic(level + 1))
        return left

    def _negation(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail("nested too deeply")
        node = Not(self._negation()) if self._accept("name", "not") else self._comparison()
        self._depth -= 1
        return node

    def _comparison(self) -> Node:
        if self._accept("symbol", "("):
            node = self.logic(0)
            self.expect("symbol", ")")
            return node
        left = self.value()
        word = self._next
        if word.kind != "name":
            return left
        if word.text in COMPARISONS:
            self._take()
            return Compare(word.text, left, self._literal())
        if word.text == "matches":
            self._take()
            return Match(left, self._pattern(), whole=False)
        if word.text in ("wildcard", "strict"):
            self._take()
            if word.text == "strict":
                self.expect("name", "wildcard")
            glob = functions.glob(self._string())
            return Match(left, re.compile(glob, re.DOTALL if word.text == "strict" else re.I | re.DOTALL), whole=True)
        if word.text == "in":
            self._take()
            return In(left, self._set())
        return left

    def value(self) -> Node:
        """A literal, a field or a call, with its indexes."""
        word = self._next
        if word.kind != "name" or word.text in ("true", "false"):
            return self._literal()
        self._take()
        node: Node
        if self._accept("symbol", "("):
            node = self._call(word)
        elif word.text in FIELDS:
            node = Field(word.text)
        else:
            raise ExpressionError(f"unknown field {word.text!r}", word.position)
        while self._accept("symbol", "["):
            key = self._take()
            if key.kind not in ("string", "number") and key.text != "*":
                raise ExpressionError(f"{key.text!r} is no index", key.position)
            index = {"string": str, "number": int}.get(key.kind)
            node = Index(node, index(key.text) if index else None)
            self.expect("symbol", "]")
        return node

    def _call(self, word: Token) -> Node:
        if word.text not in functions.FUNCTIONS:
            raise ExpressionError(f"unknown function {word.text!r}", word.position)
        arguments: list[Node] = []
        if not self._accept("symbol", ")"):
            arguments.append(self.logic(0))
            while self._accept("symbol", ","):
                arguments.append(self.logic(0))
            self.expect("symbol", ")")
        _, least, most = functions.FUNCTIONS[word.text]
        if not least <= len(arguments) <= most:
            raise ExpressionError(f"{word.text} takes {least} to {most} arguments, not {len(arguments)}", word.position)
        return Call(word.text, tuple(arguments))

    def _literal(self) -> Literal:
        word = self._take()
        match word.kind:
            case "string":
                return Literal(word.text)
            case "number":
                return Literal(int(word.text))
            case "name" if word.text in ("true", "false"):
                return Literal(word.text == "true")
            case "address" if "/" not in word.text:
                try:
                    return Literal(ipaddress.ip_address(word.text))
                except ValueError as error:
                    raise ExpressionError(str(error), word.position) from None
        self._at -= 1
        raise self._fail("expected a value")

    def _string(self) -> str:
        literal = self._literal()
        if not isinstance(literal.value, str):
            self._at -= 1
            self._fail("expected a string")
        return str(literal.value)

    def _pattern(self) -> re.Pattern[str]:
        position = self._next.position
        try:
            return re.compile(self._string())
        except re.error as error:
            raise ExpressionError(f"no regular expression: {error}", position) from None

    def _set(self) -> tuple[str | int | tuple[int, int] | Network, ...]:
        self.expect("symbol", "{")
        items: list[str | int | tuple[int, int] | Network] = []
        while not self._accept("symbol", "}"):
            word = self._take()
            if word.kind == "string":
                items.append(word.text)
            elif word.kind == "number":
                items.append(int(word.text))
            elif word.kind == "range":
                first, last = word.text.split("..")
                items.append((int(first), int(last)))
            elif word.kind == "address":
                try:
                    items.append(ipaddress.ip_network(word.text, strict=False))
                except ValueError as error:
                    raise ExpressionError(str(error), word.position) from None
            else:
                self._at -= 1
                self._fail("expected a value of the set or '}'")
        return tuple(items)
