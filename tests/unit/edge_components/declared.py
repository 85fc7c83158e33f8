"""What the tests of the edge's components declare with."""

from __future__ import annotations

import functools

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.unit.monitor import Recording, Registered

ACCOUNT = "a" * 32
ZONE = "b" * 32
API = "api.optic.works"
STAGING_API = "api-staging.optic.works"
METRICS = "metrics.optic.works"


@functools.cache
def ec_key() -> str:
    """An EC P-256 key in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def children(recording: Recording) -> list[Registered]:
    """The resources of Cloudflare and Hetzner, without the component."""
    return [resource for resource in recording.resources if resource.custom]


def assert_below(recording: Recording, name: str) -> None:
    """Every child is below the component of that name, and is named after it."""
    component = recording.named(name)
    for child in children(recording):
        assert child.parent == component.urn, child.name
        assert child.name.startswith(f"{name}-")
