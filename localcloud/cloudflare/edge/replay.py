"""Responses that are the same to the same request, kept as the bytes that were sent.

A file from the cache, or a Worker's static file, is found anew for each request by rules, routes and limits. As long as
nothing but the request and what is declared decides about it, the next same request gets the same bytes at once.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from dataclasses import dataclass
from email.utils import formatdate

from localcloud.cloudflare.edge.forwarding import COLO, new_ray
from localcloud.cloudflare.edge.messages import Source
from localcloud.cloudflare.edge.snapshot import Snapshot

MAX_BYTES = 48 * 2**20
MAX_OBJECT = 2 * 2**20
MAX_ENTRIES = 2048
VOLATILE = frozenset({b"cf-ray", b"date", b"age"})
"""Fields that are another's at each response."""

VOLATILE_WORDS = ("ray_id", "timestamp", "uuidv4", "random")
"""What an expression of a rule says that asks about more than the request."""

Key = tuple[bytes, str, str]
"""A request's head as it came, the client's address and the scheme."""


@dataclass(frozen=True)
class Sent:
    """A response's head without its volatile fields and without the empty line, and its body."""

    head: bytes
    body: bytes
    source: Source


def volatile_zones(snapshot: Snapshot) -> frozenset[str]:
    """Ids of the zones with a rule that may judge the same request otherwise the next time."""
    return frozenset(
        ruleset.zone_id
        for ruleset in snapshot.rulesets
        if any(word in json.dumps([dict(rule) for rule in ruleset.rules]) for word in VOLATILE_WORDS)
    )


class Replays:
    """What may be sent again; what was used least recently goes first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Sent] = OrderedDict()
        self._size = 0
        self.generation = 0
        """Another for each thing that was declared."""

    def clear(self) -> None:
        """Something else is declared now."""
        self.generation += 1
        self._kept.clear()
        self._size = 0

    def find(self, key: Key) -> tuple[bytes, bytes] | None:
        """Head and body of the response."""
        sent = self._kept.get(key)
        if sent is None:
            return None
        source = sent.source
        if not source.holds():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        age = "" if source.stored is None else f"age: {int(time.monotonic() - source.stored)}\r\n"
        volatile = f"{age}cf-ray: {new_ray()}-{COLO}\r\ndate: {_date(int(time.time()))}\r\n\r\n"
        return sent.head + volatile.encode(), sent.body

    def keep(self, key: Key, head: bytes, body: bytes, source: Source) -> None:
        """``head``: the status line and the fields as they are sent, each ended by CR LF."""
        if len(body) > MAX_OBJECT:
            return
        self._drop(key)
        line, *fields = head.split(b"\r\n")
        constant = [field for field in fields if field and field.partition(b":")[0].lower() not in VOLATILE]
        self._kept[key] = Sent(b"\r\n".join([line, *constant, b""]), body, source)
        self._size += len(body)
        while self._size > MAX_BYTES or len(self._kept) > MAX_ENTRIES:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        if (sent := self._kept.pop(key, None)) is not None:
            self._size -= len(sent.body)


_last_date = (0, "")


def _date(now: int) -> str:
    global _last_date
    if _last_date[0] != now:
        _last_date = (now, formatdate(now, usegmt=True))
    return _last_date[1]
