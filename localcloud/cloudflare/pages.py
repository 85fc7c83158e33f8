"""Lists: by page number, which must end, or by cursor."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from localcloud.cloudflare.errors import bad_request

T = TypeVar("T")


@dataclass(frozen=True)
class Page:
    """``?page=`` and ``?per_page=``. Clients ask for page after page until one is empty: the number always counts."""

    number: int
    size: int

    @classmethod
    def of(cls, query: dict[str, str], default: int = 20, most: int = 1000) -> Page:
        number = _whole(query.get("page", "1"), "page")
        size = _whole(query.get("per_page", str(default)), "per_page")
        return cls(number, min(size, most))

    def cut(self, rows: Sequence[T]) -> list[T]:
        start = (self.number - 1) * self.size
        return list(rows[start : start + self.size])

    def info(self, shown: int, total: int) -> dict[str, Any]:
        pages = -(-total // self.size)
        return {
            "page": self.number, "per_page": self.size, "count": shown, "total_count": total, "total_pages": pages,
        }  # fmt: skip


def after_cursor(names: Sequence[str], query: dict[str, str], default: int, most: int) -> tuple[list[str], str]:
    """The names of a page that begins behind ``?cursor=``, and the cursor of the next one, empty at the end."""
    size = min(_whole(query.get("per_page") or query.get("limit") or str(default), "per_page"), most)
    last = ""
    if query.get("cursor"):
        try:
            last = base64.urlsafe_b64decode(query["cursor"].encode()).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise bad_request("Invalid cursor", 10001) from None
    rest = sorted(name for name in names if name > last) if last else sorted(names)
    page = rest[:size]
    more = len(rest) > size
    return page, base64.urlsafe_b64encode(page[-1].encode()).decode() if more and page else ""


def _whole(text: str, name: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise bad_request(f"{name} must be a positive integer", 6003)
    return int(text)
