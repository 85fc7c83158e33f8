"""The cloud: its state, and what is behind it."""

from __future__ import annotations

from localcloud.cloudflare.dataplane.interface import DataPlane
from localcloud.cloudflare.publisher import Publisher
from localcloud.cloudflare.store import Store
from localcloud.common.identity import account_id


class Cloud:
    """What all handlers share. ``token`` is the owner's, which may do everything."""

    def __init__(self, store: Store, dataplane: DataPlane, token: str) -> None:
        self.store = store
        self.dataplane = dataplane
        self.token = token
        self.account_id = account_id(token)
        self.publisher = Publisher()

    def close(self) -> None:
        self.publisher.close()
