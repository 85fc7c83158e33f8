"""Labels and the label selector language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from localcloud.hetzner.errors import invalid

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
PREFIX = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
RESERVED_PREFIX = "hetzner.cloud"


def key_problem(key: str) -> str | None:
    """Why ``key`` is no label key (``[prefix/]name``), or None."""
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > 253 or not PREFIX.fullmatch(prefix)):
        return f"label key '{key}' has an invalid prefix: it must be a DNS subdomain of at most 253 characters"
    if slash and prefix == RESERVED_PREFIX:
        return f"label key '{key}' uses the reserved prefix 'hetzner.cloud/'"
    if not NAME.fullmatch(name):
        return (
            f"label key '{key}' is invalid: it must be 1 to 63 characters, begin and end with a letter or digit,"
            " with '-', '_' and '.' between"
        )
    return None


def value_problem(value: str) -> str | None:
    """Why ``value`` is no label value, or None; the empty value is one."""
    if value and not NAME.fullmatch(value):
        return (
            f"label value '{value}' is invalid: it must be empty or at most 63 characters, begin and end with a"
            " letter or digit, with '-', '_' and '.' between"
        )
    return None


@dataclass(frozen=True)
class Term:
    """One condition of a selector. ``values`` is empty for ``exists`` and ``absent``."""

    key: str
    operator: Literal["in", "notin", "exists", "absent"]
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        # As with Kubernetes' selectors, which this language is: a label that is absent satisfies != and notin.
        match self.operator:
            case "exists":
                return self.key in labels
            case "absent":
                return self.key not in labels
            case "in":
                return self.key in labels and labels[self.key] in self.values
            case "notin":
                return labels.get(self.key) not in self.values


Selector = tuple[Term, ...]
TERM = re.compile(
    r"""\s*(?:
        !\s*(?P<absent>[^\s!=,()]+)
      | (?P<set>[^\s!=,()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)
      | (?P<key>[^\s!=,()]+)\s*(?:(?P<eq>==|=|!=)\s*(?P<value>[^\s!=,()]*))?
    )\s*(?P<end>,|$)""",
    re.VERBOSE,
)


@lru_cache(maxsize=256)
def parse(text: str, field: str = "label_selector") -> Selector:
    """The conditions of a selector, all of which must hold. Raises 422 naming ``field`` if it is malformed."""
    terms: list[Term] = []
    position = 0
    while position < len(text) or (terms and text.rstrip().endswith(",") and position == len(text)):
        found = TERM.match(text, position)
        if found is None:
            raise invalid(field, f"label selector '{text}' is malformed")
        terms.append(_term(found, text, field))
        if found["end"] == "":
            break
        position = found.end()
    return tuple(terms)


def _term(found: re.Match[str], text: str, field: str) -> Term:
    if found["absent"]:
        term = Term(found["absent"], "absent")
    elif found["set"]:
        values = frozenset(value.strip() for value in found["values"].split(","))
        term = Term(found["set"], "in" if found["op"] == "in" else "notin", values)
    elif found["eq"]:
        term = Term(found["key"], "notin" if found["eq"] == "!=" else "in", frozenset([found["value"]]))
    else:
        term = Term(found["key"], "exists")
    for problem in (key_problem(term.key), *map(value_problem, term.values)):
        if problem and "reserved" not in problem:
            raise invalid(field, f"label selector '{text}' is malformed: {problem}")
    return term


def matches(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether all conditions hold; the empty selector selects everything."""
    return all(term.matches(labels) for term in selector)
