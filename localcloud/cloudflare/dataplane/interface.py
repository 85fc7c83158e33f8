"""What the API asks of what is behind it: traffic, Workers, objects, keys and values, pictures.

The control plane keeps what was *declared*; the data plane keeps what was *put in* (objects, values, pictures) and
acts. Every method may be called from any thread, and may wait; none is called while a transaction is open. A failure is
a :class:`DataPlaneError` whose message is fit for the user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from localcloud.cloudflare.edge.snapshot import Access, Snapshot
    from localcloud.cloudflare.runtime.model import Version


class DataPlaneError(Exception):
    """What was asked for cannot be done; the message says why."""


class BucketNotEmpty(DataPlaneError):
    """A bucket that holds objects is not deleted."""


class Locked(DataPlaneError):
    """A bucket lock rule keeps an object from being overwritten or deleted."""


@dataclass(frozen=True)
class Credential:
    """An S3 key pair. ``secret`` is the SHA-256, in hex, of the API token's value; ``access`` is the token's id.

    ``buckets`` names those it reaches (None: all); ``write`` says whether it changes anything.
    """

    access: str
    secret: str = field(repr=False)
    buckets: frozenset[tuple[str, str]] | None = None
    """(jurisdiction, bucket)"""
    write: bool = True


@dataclass(frozen=True)
class Bucket:
    """A bucket as declared. The rules keep the API's own form, ages in seconds."""

    name: str
    jurisdiction: str = "default"
    storage_class: str = "Standard"
    lifecycle: tuple[Mapping[str, Any], ...] = ()
    locks: tuple[Mapping[str, Any], ...] = ()
    cors: tuple[Mapping[str, Any], ...] = ()
    domains: tuple[str, ...] = ()
    """Enabled host names that serve its objects to everybody."""


@dataclass(frozen=True)
class Stored:
    """An object's description; ``uploaded`` is RFC 3339."""

    key: str
    size: int
    etag: str
    uploaded: str
    content_type: str = "application/octet-stream"
    metadata: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = "Standard"


@dataclass(frozen=True)
class Value:
    """A value of a KV namespace; ``expiration`` is in seconds since the epoch."""

    content: bytes = field(repr=False)
    expiration: int | None = None
    metadata: Any = None


@dataclass(frozen=True)
class Variant:
    """A named way to show pictures; ``options`` as in the API (fit, width, height, metadata)."""

    name: str
    options: Mapping[str, Any]
    never_require_signed_urls: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture as declared: who may see it."""

    name: str
    require_signed_urls: bool = False


@dataclass(frozen=True)
class Library:
    """Everything that serving pictures needs to know. ``hash`` is the account's part of a delivery URL."""

    hash: str
    host: str
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    variants: tuple[Variant, ...] = ()
    flexible: bool = False
    keys: tuple[str, ...] = field(default=(), repr=False)
    """The secrets that sign URLs of private pictures."""


class Traffic(Protocol):
    """The edge and the Workers' runtime."""

    def apply(self, snapshot: Snapshot, access: Access, schedules: Mapping[str, tuple[str, ...]]) -> None:
        """Serve by this state from now on; returns when it does. ``schedules``: Worker → cron expressions."""

    def check_version(self, version: Version, snapshot: Snapshot) -> None:
        """Whether a version of a Worker would run among what is deployed.

        :raises DataPlaneError: it would not, with the runtime's own words.
        """

    @property
    def schedules(self) -> Mapping[str, tuple[str, ...]]:
        """Worker → cron expressions, as applied last."""

    def run_scheduled(self, worker: str, expression: str, moment: float) -> str:
        """Run a Worker's ``scheduled`` handler, and wait for it; its outcome, ``ok`` or what went wrong.

        ``moment``: seconds since the epoch, of the minute that it is for.

        :raises DataPlaneError: it does not run.
        """

    def check_expression(self, expression: str, phase: str) -> None:
        """Whether a rule's expression can be evaluated in a phase.

        :raises DataPlaneError: it cannot.
        """


class Objects(Protocol):
    """R2's objects. A bucket is named by jurisdiction (``default``, ``eu``, ``fedramp``) and name."""

    def apply(self, buckets: Sequence[Bucket], credentials: Sequence[Credential]) -> None:
        """Serve these buckets to these keys from now on. A bucket that is not there any more is forgotten."""

    def check_empty(self, jurisdiction: str, bucket: str) -> None:
        """:raises BucketNotEmpty: it holds an object, or an upload that goes on."""

    def listing(self, jurisdiction: str, bucket: str, prefix: str = "") -> list[Stored]:
        """Every object whose key begins with ``prefix``, by key."""

    def get(self, jurisdiction: str, bucket: str, key: str) -> tuple[Stored, bytes] | None: ...

    def put(self, jurisdiction: str, bucket: str, key: str, content: bytes, content_type: str = "") -> Stored:
        """:raises Locked: a lock rule keeps what is there."""

    def delete(self, jurisdiction: str, bucket: str, key: str) -> None:
        """:raises Locked: a lock rule keeps what is there."""


class Values(Protocol):
    """The contents of KV namespaces, by the namespace's id. An expired value is not there."""

    def get(self, namespace: str, key: str) -> Value | None: ...

    def put(self, namespace: str, key: str, value: Value) -> None: ...

    def delete(self, namespace: str, key: str) -> None: ...

    def keys(self, namespace: str, prefix: str = "") -> list[tuple[str, Value]]:
        """Names, by code point, with their values' descriptions; the contents may be empty."""

    def drop(self, namespace: str) -> None:
        """Forget a whole namespace."""


class Pictures(Protocol):
    """Originals of pictures, and the serving of their variants. ``address``: where, ``https://HOST[:PORT]``;
    ``authority`` has signed the certificates of all host names here (None: nothing is served by TLS)."""

    address: str
    authority: Path | None

    def apply(self, library: Library) -> None:
        """Serve these pictures in these variants from now on."""

    def put(self, name: str, content: bytes) -> None:
        """Keep an original.

        :raises DataPlaneError: it is no picture of a kind that is served, or too large.
        """

    def get(self, name: str) -> bytes | None: ...

    def delete(self, name: str) -> None: ...


class DataPlane(Protocol):
    """All of it."""

    @property
    def traffic(self) -> Traffic: ...

    @property
    def objects(self) -> Objects: ...

    @property
    def values(self) -> Values: ...

    @property
    def pictures(self) -> Pictures: ...

    def stop(self) -> None:
        """End every process; what was put in stays."""
