"""If-Match and its like, and Range, as RFC 9110 has them."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.model import Object


class NotModified(Exception):
    """What the client has is what there is."""


def check_read(entry: Object, headers: Mapping[str, str], prefix: str = "") -> None:
    """Raise :class:`NotModified` or PreconditionFailed. ``prefix`` is for a copy's source headers."""
    modified = int(entry.modified)
    match, none = headers.get(prefix + "if-match"), headers.get(prefix + "if-none-match")
    before, since = headers.get(prefix + "if-unmodified-since"), headers.get(prefix + "if-modified-since")
    if match is not None:
        if not _matches(entry, match):
            raise R2Error("PreconditionFailed")
    elif before is not None and (at := _seconds(before)) is not None and modified > at:
        raise R2Error("PreconditionFailed")
    if none is not None:
        unchanged = _matches(entry, none)
    else:
        unchanged = since is not None and (at := _seconds(since)) is not None and modified <= at
    if unchanged:
        if prefix:
            raise R2Error("PreconditionFailed")
        raise NotModified


def check_write(entry: Object | None, headers: Mapping[str, str]) -> None:
    """Of a PUT; what is not there matches no etag."""
    match, none = headers.get("if-match"), headers.get("if-none-match")
    if match is not None and (entry is None or not _matches(entry, match)):
        raise R2Error("PreconditionFailed")
    if none is not None and entry is not None and _matches(entry, none):
        raise R2Error("PreconditionFailed")


def _matches(entry: Object, value: str) -> bool:
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in value.split(",")}
    return "*" in tags or entry.etag in tags


def _seconds(value: str) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp()
    except ValueError:
        return None


def span(header: str | None, size: int) -> tuple[int, int] | None:
    """(first, length) of the one range asked for, or None for all. A header that is no range is passed over."""
    unit, _, asked = (header or "").partition("=")
    first, dash, last = asked.strip().partition("-")
    if unit.strip().lower() != "bytes" or not dash or "," in asked:
        return None
    if not (first.isdigit() or last.isdigit()) or (first + last).strip("0123456789"):
        return None
    if not first:
        count = min(int(last), size)
        if count == 0:
            raise R2Error("InvalidRange", headers={"content-range": f"bytes */{size}"})
        return size - count, count
    begin, end = int(first), min(int(last), size - 1) if last else size - 1
    if last and int(last) < begin:
        return None
    if begin >= size:
        raise R2Error("InvalidRange", headers={"content-range": f"bytes */{size}"})
    return begin, end - begin + 1
