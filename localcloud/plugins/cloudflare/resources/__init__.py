"""The resources of the plugin."""

from __future__ import annotations

from localcloud.plugins.cloudflare.resource import CloudflareResource, Connect
from localcloud.plugins.cloudflare.resources import (
    access,
    account,
    images,
    kv,
    r2,
    worker_version,
    workers,
    workers_script,
    zones,
)

_MODULES = (access, account, images, kv, r2, workers, worker_version, workers_script, zones)
_PLAIN = [rest for module in _MODULES for rest in module.PLAIN]
_SPECIAL: list[type[CloudflareResource]] = [kind for module in _MODULES for kind in module.SPECIAL]

NAMES = sorted([rest.name for rest in _PLAIN] + [kind.rest.name for kind in _SPECIAL])


def make_all(connect: Connect) -> list[CloudflareResource]:
    """Every resource, to speak to the API by ``connect``."""
    return [CloudflareResource(connect, rest) for rest in _PLAIN] + [kind(connect) for kind in _SPECIAL]
