"""The things R2 keeps, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from localcloud.cloudflare.r2.errors import R2Error

Json = dict[str, Any]
BUCKET_NAME = re.compile(r"(?:(?:eu|fedramp)\.)?[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
JURISDICTIONS = ("eu", "fedramp")
KEY_BYTES = 1024
METADATA_BYTES = 8192
PART_LIMIT = 10_000
PART_MINIMUM = 5 * 1024 * 1024
"""Bytes; the last part may be smaller."""
PUT_MAXIMUM = 5 * 1024**3
"""Bytes of one PUT or one part."""

DEFAULT_RULE: Json = {
    "id": "Default Multipart Abort Rule",
    "enabled": True,
    "conditions": {"prefix": ""},
    "abortMultipartUploadsTransition": {"condition": {"type": "Age", "maxAge": 7 * 86400}},
}
"""The lifecycle rule that a new bucket has from the start."""


@dataclass(frozen=True)
class Bucket:
    """``lifecycle``, ``lock`` and ``cors`` are lists of rules as the control plane writes them; None: never set."""

    name: str
    created: float
    location: str = "ENAM"
    jurisdiction: str = "default"
    storage_class: str = "Standard"
    lifecycle: tuple[Json, ...] = (DEFAULT_RULE,)
    lock: tuple[Json, ...] = ()
    cors: tuple[Json, ...] | None = None


@dataclass(frozen=True)
class Attributes:
    """What a client says of an object beside its bytes. ``headers``: content-type and its like, in lower case."""

    headers: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    storage_class: str = "Standard"


@dataclass(frozen=True)
class Body:
    """Bytes that were received, and lie in a file named ``blob``. ``checksums``: algorithm → base64, as S3 shows it."""

    blob: str
    size: int
    md5: str
    checksums: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Object:
    """``etag`` is bare (no quotes); ``modified`` in seconds since 1970; ``parts`` 0 if it came in one piece."""

    bucket: str
    key: str
    blob: str
    size: int
    etag: str
    modified: float
    attributes: Attributes
    checksums: dict[str, str] = field(default_factory=dict)
    parts: int = 0


@dataclass(frozen=True)
class Upload:
    """A multipart upload under way; ``algorithm`` is the checksum its parts carry, if any."""

    id: str
    bucket: str
    key: str
    created: float
    attributes: Attributes
    algorithm: str | None = None
    whole: bool = False
    """Whether the checksum is of the whole object and not of its parts' checksums."""


@dataclass(frozen=True)
class Part:
    number: int
    blob: str
    size: int
    etag: str
    modified: float
    checksums: dict[str, str] = field(default_factory=dict)


def within(jurisdiction: str, name: str) -> str:
    """The store's name of a bucket: each jurisdiction has names of its own, and no bucket's name holds a dot."""
    return f"{jurisdiction}.{name}" if jurisdiction in JURISDICTIONS else name


def check_bucket_name(name: str) -> str:
    if not BUCKET_NAME.fullmatch(name):
        raise R2Error(
            "InvalidBucketName",
            f"The bucket name {name!r} is not valid: 3 to 63 lower-case letters, digits, hyphens; no hyphen at an end.",
        )
    return name


def check_key(key: str) -> str:
    if not key:
        raise R2Error("InvalidArgument", "The object key is empty.")
    if len(key.encode()) > KEY_BYTES:
        raise R2Error("KeyTooLongError")
    return key


def check_attributes(attributes: Attributes) -> Attributes:
    if sum(len(k.encode()) + len(v.encode()) for k, v in attributes.metadata.items()) > METADATA_BYTES:
        raise R2Error("MetadataTooLarge")
    if attributes.storage_class not in ("Standard", "InfrequentAccess"):
        raise R2Error("InvalidArgument", f"Unknown storage class {attributes.storage_class!r}.")
    return attributes
