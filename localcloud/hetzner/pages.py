"""Lists: sorting, pages, the ``meta`` object and the Link header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from localcloud.hetzner.errors import invalid

DEFAULT_PER_PAGE = 25
MAX_PER_PAGE = 50
Query = Sequence[tuple[str, str]]


def sort_rows(rows: list[dict[str, Any]], keys: Sequence[str], allowed: Sequence[str]) -> list[dict[str, Any]]:
    """``rows`` by ``keys`` (``name``, ``created:desc``…), the first key first. Raises 422 for an unknown key.

    A list that the API cannot sort (``allowed`` is empty) ignores the parameter, as any that it does not know:
    hcloud-cli sends ``sort=id:asc`` for every list, server types and locations among them.
    """
    if not allowed:
        return rows
    for key in reversed(keys):
        name, _, direction = key.partition(":")
        if name not in allowed or direction not in ("", "asc", "desc"):
            choices = ", ".join(f"{one}[:asc|:desc]" for one in allowed)
            raise invalid("sort", f"'{key}' is not one of {choices}")
        rows = sorted(rows, key=lambda row: (row[name] is not None, row[name]), reverse=direction == "desc")
    return rows


class Page:
    """Which part of a list is asked for."""

    def __init__(self, number: int, per_page: int) -> None:
        self.number = number
        self.per_page = per_page

    @classmethod
    def of(cls, query: Query) -> Page:
        """Read ``page`` and ``per_page``; more than 50 a page is refused as the API does."""
        values = dict(query)
        number = _positive(values.get("page", "1"), "page")
        per_page = _positive(values.get("per_page", str(DEFAULT_PER_PAGE)), "per_page")
        if per_page > MAX_PER_PAGE:
            raise invalid("per_page", f"must be at most {MAX_PER_PAGE}")
        return cls(number, per_page)

    def cut(self, rows: Sequence[Any]) -> list[Any]:
        """The rows of this page; a page past the end is empty, not an error."""
        start = (self.number - 1) * self.per_page
        return list(rows[start : start + self.per_page])

    def meta(self, total: int) -> dict[str, Any]:
        last = max(1, -(-total // self.per_page))
        return {
            "pagination": {
                "page": self.number,
                "per_page": self.per_page,
                "previous_page": self.number - 1 if self.number > 1 else None,
                "next_page": self.number + 1 if self.number < last else None,
                "last_page": last,
                "total_entries": total,
            }
        }

    def link(self, url: str, query: Query, total: int) -> str:
        """The Link header: prev, next and last, keeping every other parameter of the query."""
        kept = [(key, value) for key, value in query if key not in ("page", "per_page")]
        pages = self.meta(total)["pagination"]
        links = [
            f'<{url}?{urlencode([*kept, ("page", str(pages[field])), ("per_page", str(self.per_page))])}>; rel="{rel}"'
            for rel, field in (("prev", "previous_page"), ("next", "next_page"), ("last", "last_page"))
            if pages[field] is not None
        ]
        return ", ".join(links)


def _positive(text: str, field: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise invalid(field, "must be a positive integer")
    return int(text)
