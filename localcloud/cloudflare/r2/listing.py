"""Listing a bucket page by page, with folders by a delimiter."""

from __future__ import annotations

from dataclasses import dataclass, field

from localcloud.cloudflare.r2.model import Object
from localcloud.cloudflare.r2.store import Store

PAGE = 1000
"""What one answer holds at most, whatever the client asks."""


@dataclass
class Page:
    """``last`` is the key or folder after which the next page begins, None if there is no next."""

    objects: list[Object] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str | None = None


def page(store: Store, bucket: str, prefix: str = "", delimiter: str = "", after: str = "", count: int = PAGE) -> Page:
    """``after``: a key, or a folder as :class:`Page` gave it, which is then skipped whole."""
    store.bucket(bucket)
    found, start, cut = Page(), prefix.encode(), delimiter.encode()
    count = min(count, PAGE)
    at = after.encode()
    if cut and at.startswith(start) and at.endswith(cut) and len(at) > len(start):
        at = _past(at)
    last = ""
    while count:
        batch = store.scan(bucket, at, start, PAGE + 1)
        for entry in batch:
            key = entry.key.encode()
            if key <= at:
                continue
            if len(found.objects) + len(found.prefixes) == count:
                found.last = last
                return found
            end = key.find(cut, len(start)) if cut else -1
            if end < 0:
                found.objects.append(entry)
                last, at = entry.key, key
            else:
                folder = key[: end + len(cut)]
                last, at = folder.decode(errors="surrogateescape"), _past(folder)
                found.prefixes.append(last)
        if len(batch) <= PAGE:
            break
    return found


def _past(folder: bytes) -> bytes:
    """Something after every key in the folder that can be stored: no UTF-8 holds the byte 0xFF."""
    return folder + b"\xff"
