"""The beginning of a cloud's life."""

from __future__ import annotations

from collections.abc import Iterable

from localcloud.cloudflare import assemble
from localcloud.cloudflare.cloud import Cloud
from localcloud.cloudflare.zones.routes import ensure


def start(cloud: Cloud, zones: Iterable[str] = ()) -> None:
    """Make the zones that are not there, put the data plane into the state's shape and keep it so."""
    with cloud.store.transaction() as tx:
        for name in zones:
            ensure(tx, cloud.account_id, name)
    cloud.store.changed = cloud.publisher.notice
    cloud.publisher.start(assemble.parts(cloud))
