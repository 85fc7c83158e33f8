"""S3 keys, which are API tokens under another name: the token's id, and the SHA-256 of its value."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from localcloud.cloudflare.r2.model import within

BUCKET_RESOURCE = "com.cloudflare.edge.r2.bucket."
"""Followed by account_jurisdiction_bucket; a resource of another kind means all the account's buckets."""
ITEM_READ = "6a018a9f2fc74eb6b293b0c548f38b39"
ITEM_WRITE = "2efd5506f9c8494dacb1fa10a3e7d5b6"
STORAGE_READ = "b4992e1108244f5d8bfbd5744320c2e1"
STORAGE_WRITE = "bf7481a1826f439697cb59a20b22293e"
"""Ids of the four permission groups that reach objects: Workers R2 Storage (Bucket Item) (Read|Write)."""


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


def secret_of(value: str) -> str:
    """A token's value → the S3 secret."""
    return hashlib.sha256(value.encode()).hexdigest()


def of_token(token: str, secret: str, policies: Iterable[Mapping[str, Any]]) -> AccessKey:
    """The S3 key of an API token, from its policies as the control plane keeps them.

    A token that any policy denies something about R2 gets no grant at all: rather too little than too much."""
    grants: list[Grant] = []
    for policy in policies:
        groups = {str(group.get("id")) for group in policy.get("permission_groups", ())}
        if not groups & {ITEM_READ, ITEM_WRITE, STORAGE_READ, STORAGE_WRITE}:
            continue
        if policy.get("effect") != "allow":
            return AccessKey(token, secret)
        write = bool(groups & {ITEM_WRITE, STORAGE_WRITE})
        for resource in policy.get("resources", {}):
            if str(resource).startswith(BUCKET_RESOURCE):
                jurisdiction, _, name = str(resource).removeprefix(BUCKET_RESOURCE).partition("_")[2].partition("_")
                grants.append(Grant(within(jurisdiction, name), write))
            else:
                grants.append(Grant(None, write, admin=STORAGE_WRITE in groups))
    return AccessKey(token, secret, tuple(grants))
