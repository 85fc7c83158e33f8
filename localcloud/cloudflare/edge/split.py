"""The split of a Worker's requests between the versions of a deployment; pure but for chance."""

from __future__ import annotations

import hashlib
import random

from localcloud.cloudflare.edge.snapshot import Deployment

KEY_HEADER = "cloudflare-workers-version-key"
"""Requests with the same value get the same version as long as the deployment stands."""
OVERRIDE_HEADER = "cloudflare-workers-version-overrides"
"""``worker="version id"``, comma-separated: asks for a version of the deployment by name."""


def choose(deployment: Deployment, key: str | None, override: str | None = None) -> str:
    """Id of the version that answers.

    A key has a fixed place on the scale: while one version's share rises, nobody who has it falls back to the other.
    """
    if override and (asked := _asked(override, deployment.worker)):
        for share in deployment.versions:
            if share.version_id == asked:
                return asked
    place = _place(deployment.worker, key) if key else random.random() * 100
    shares = sorted(deployment.versions, key=lambda share: share.version_id)
    for share in shares:
        place -= share.percentage
        if place < 0:
            return share.version_id
    return max(shares, key=lambda share: share.percentage).version_id


def _place(worker: str, key: str) -> float:
    digest = hashlib.sha256(f"{worker}\0{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 * 100


def _asked(header: str, worker: str) -> str | None:
    for item in header.split(","):
        name, _, value = item.strip().partition("=")
        if name == worker:
            return value.strip('"')
    return None
