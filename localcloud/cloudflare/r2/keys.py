"""S3 keys, which are API tokens under another name: the token's id, and the SHA-256 of its value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Grant:
    """``bucket`` None: all of them. ``admin``: may also list, make and delete buckets."""

    bucket: str | None
    write: bool = False
    admin: bool = False


@dataclass(frozen=True)
class AccessKey:
    id: str
    secret: str = field(repr=False)
    grants: tuple[Grant, ...] = ()

    def may(self, bucket: str | None, write: bool, admin: bool = False) -> bool:
        """Whether the key allows something on a bucket, or, for None, on the account."""
        return any(
            grant.bucket in (None, bucket) and (grant.write or not write) and (grant.admin or not admin)
            for grant in self.grants
            if bucket is not None or grant.bucket is None
        )


class Keys(Protocol):
    """Where keys are looked up, at each request: a token that was revoked opens nothing any more."""

    def find(self, access_key: str) -> AccessKey | None: ...


class MemoryKeys:
    """Keys that are just told."""

    def __init__(self, keys: Iterable[AccessKey] = ()) -> None:
        self._keys = {key.id: key for key in keys}

    def add(self, key: AccessKey) -> None:
        self._keys[key.id] = key

    def replace(self, keys: Iterable[AccessKey]) -> None:
        """These and no others from now on, in one step."""
        self._keys = {key.id: key for key in keys}

    def remove(self, access_key: str) -> None:
        self._keys.pop(access_key, None)

    def find(self, access_key: str) -> AccessKey | None:
        return self._keys.get(access_key)
