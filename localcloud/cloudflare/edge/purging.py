"""What the API was told to purge, taken out of the edge's cache; each purge once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from localcloud.cloudflare.edge.cache import Cache
from localcloud.cloudflare.edge.messages import Headers
from localcloud.cloudflare.edge.routing import Table
from localcloud.cloudflare.edge.snapshot import Purge
from localcloud.cloudflare.images_service import names


class Purges:
    """Remembers which were done. Those that an edge finds as it starts concern a cache that it does not have."""

    def __init__(self) -> None:
        self._done: frozenset[str] = frozenset()

    def apply(self, table: Table, cache: Cache, purges: Iterable[Purge]) -> None:
        """Do those that are new."""
        listed = {one.id: one for one in purges}
        for identity, one in listed.items():
            if identity not in self._done:
                cache.purge(_wanted(table, one))
        self._done = frozenset(listed)


def _wanted(table: Table, purge: Purge) -> Callable[[str, Headers], bool]:
    """Whether a kept response (its key and its fields) is meant."""
    what: Mapping[str, Any] = purge.what
    files = {_address(one["url"] if isinstance(one, dict) else str(one)) for one in what.get("files") or ()}
    tags = {str(one).lower() for one in what.get("tags") or ()}
    hosts = {str(one).lower() for one in what.get("hosts") or ()}
    prefixes = tuple(str(one).partition("://")[2] or str(one) for one in what.get("prefixes") or ())

    def wanted(key: str, headers: Headers) -> bool:
        address = _address(key)
        host = urlsplit(address).hostname or ""
        zone = table.zone(host)
        if zone is None or zone.id != purge.zone_id:
            return False
        named = {tag.strip().lower() for value in headers.all("cache-tag") for tag in value.split(",")}
        return (
            bool(what.get("purge_everything"))
            or host in hosts
            or bool(tags & named)
            or (bool(prefixes) and address.partition("://")[2].startswith(prefixes))
            or bool(files & {address, _source(address)})
        )

    return wanted


def _address(text: str) -> str:
    """An address without a port, a fragment and an empty query: the edge's port is none of the cache's."""
    parts = urlsplit(text)
    return parts._replace(netloc=(parts.hostname or ""), path=parts.path or "/", fragment="").geturl()


def _source(address: str) -> str:
    """What a transformed picture was made of: purged, it takes what was made of it along."""
    path = urlsplit(address).path
    if not path.startswith(f"{names.RESIZING}/"):
        return address
    _, _, source = address.partition(f"{names.RESIZING}/")[2].partition("/")
    return _address(urljoin(address, names.source(source)))
