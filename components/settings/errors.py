"""What is wrong with a stack's configuration, as lines that a person can act on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 80
"""Characters of a value that an error shows; a longer one is cut."""

LOOKS_SECRET = re.compile(
    r"PRIVATE KEY|\b[sr]k_(?:live|test)_|whsec_"
    # Cloudflare's tokens of both kinds, its global key; tokens of GitHub and AWS; JSON web tokens; passwords in URLs
    r"|\bcf[a-z]{1,3}_[A-Za-z0-9_-]{20}|(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*[0-9])[\w-]{40}(?![\w-])"
    r"|\b[0-9a-f]{37}\b|\bgh[a-z]_[A-Za-z0-9]{20}|\bgithub_pat_|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[\w-]{8,}\.eyJ|\b[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"
)
"""A secret pasted under the wrong key must not be printed because that key is not a secret one."""

HIDDEN = "(hidden: it looks like a secret)"


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one key."""

    key: str
    """As in the stack file, camelCase."""
    value: str | None
    """As shown to a person; None for a secret and for a key that is not set."""
    rule: str
    """What is allowed; completes the sentence "KEY must …" or stands as a sentence of its own."""
    fix: str
    """A command that mends it."""

    def __str__(self) -> str:
        shown = self.key if self.value is None else f"{self.key} = {self.value}"
        return f"{shown}: {self.rule}"


class SettingsError(ValueError):
    """All that is wrong with a stack's configuration. `str()` is the whole message, several lines, no secrets."""

    def __init__(self, stack: str, problems: Iterable[Problem]) -> None:
        self.stack = stack
        self.problems = tuple(problems)
        super().__init__(self._text())

    def _text(self) -> str:
        count = len(self.problems)
        lines = [f"The configuration of stack '{self.stack}' has {count} problem{'s' if count > 1 else ''}:"]
        by_fix: dict[str, list[Problem]] = {}
        for problem in self.problems:
            by_fix.setdefault(problem.fix, []).append(problem)
        for fix, problems in by_fix.items():
            lines.extend(f"  - {problem}" for problem in problems)
            lines.append(f"      {fix}")
        return "\n".join(lines)


def shown(value: object) -> str:
    """A value for an error message: on one line, cut when long, hidden when it looks like a secret."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):  # Python writes no number of thousands of digits
        return "(too large to show)"
    if LOOKS_SECRET.search(text):
        return HIDDEN
    text = " ".join(text.split()) if text.strip() else repr(text)
    # What a terminal would obey, or turn around, is written out.
    text = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def told(detail: str) -> str:
    """What a reader said about a value, which it may quote: nothing of it when that looks like a secret."""
    return "is not such a value" if LOOKS_SECRET.search(detail) else detail
