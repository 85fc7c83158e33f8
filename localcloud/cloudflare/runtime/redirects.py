"""The ``_redirects`` file of a Worker's static files: ``from to [status]`` a line, the first that matches counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

STATUSES = frozenset({200, 301, 302, 303, 307, 308})
DEFAULT_STATUS = 302
MAX_LINE = 2000
MAX_STATIC = 2000
MAX_DYNAMIC = 100
PLACEHOLDER = re.compile(r":([A-Za-z]\w*)")


@dataclass(frozen=True)
class Rule:
    """One line; ``status`` 200 serves the file of the target in the place of a redirect."""

    pattern: re.Pattern[str]
    target: str
    status: int

    def apply(self, path: str) -> str | None:
        """The target for a path; None if the rule is not for it."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        values = found.groupdict()
        return PLACEHOLDER.sub(lambda name: values.get(name[1]) or ("" if name[1] in values else name[0]), self.target)


@dataclass(frozen=True)
class Target:
    """Where a path leads: a redirect to ``location``, or with status 200 the file of the path ``location``."""

    status: int
    location: str


@lru_cache(maxsize=32)
def parse(text: str) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Rules without and with placeholders; Cloudflare looks at the former first. What is no rule is left out."""
    fixed: list[Rule] = []
    variable: list[Rule] = []
    for rule in _rules(text):
        (variable if rule.pattern.groups else fixed).append(rule)
    return tuple(fixed[:MAX_STATIC]), tuple(variable[:MAX_DYNAMIC])


def _rules(text: str) -> Iterator[Rule]:
    for line in text.splitlines():
        words = line.split(" #")[0].split()
        if len(line) > MAX_LINE or not 2 <= len(words) <= 3 or words[0].startswith("#"):
            continue
        source, target, status = words[0], words[1], words[2] if len(words) == 3 else str(DEFAULT_STATUS)
        if not source.startswith("/") or not status.isdecimal() or int(status) not in STATUSES:
            continue
        if int(status) == 200 and not target.startswith("/"):
            continue  # files are served by path; another site's are not
        yield Rule(_pattern(source), target, int(status))


def _pattern(source: str) -> re.Pattern[str]:
    """``*`` is everything, named ``splat``; ``:name`` is one segment."""
    out, splat = [], False
    for part in re.split(r"(\*|:[A-Za-z]\w*)", source):
        if part == "*":
            out.append(".*" if splat else "(?P<splat>.*)")
            splat = True
        elif PLACEHOLDER.fullmatch(part) and f"(?P<{part[1:]}>" not in "".join(out):
            out.append(f"(?P<{part[1:]}>[^/]+)")
        else:
            out.append(re.escape(part))
    return re.compile("".join(out))


def find(text: str, path: str, query: str) -> Target | None:
    """Where a path leads by the first rule for it; the query goes along unless the target has one."""
    if not text:
        return None
    for rules in parse(text):
        for rule in rules:
            if (location := rule.apply(path)) is None:
                continue
            if rule.status == 200:
                return Target(200, location)
            parts = urlsplit(location)
            if query and not parts.query:
                location = parts._replace(query=query).geturl()
            return Target(rule.status, location)
    return None
