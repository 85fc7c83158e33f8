"""S3 key pairs, as R2 derives them: the access key is a token's id, the secret the SHA-256 of its value.

A token reaches buckets by policies whose permission groups are of R2: those of the account reach every bucket, those on
resources ``com.cloudflare.edge.r2.bucket.ACCOUNT_JURISDICTION_BUCKET`` the ones named.
"""

from __future__ import annotations

from localcloud.cloudflare import permissions
from localcloud.cloudflare.accounts.groups import NAMES
from localcloud.cloudflare.cloud import Cloud
from localcloud.cloudflare.dataplane.interface import Credential
from localcloud.cloudflare.store import Row, Transaction

BUCKET = "com.cloudflare.edge.r2.bucket."
ACCOUNT_GROUPS = {"Workers R2 Storage Read": False, "Workers R2 Storage Write": True}
BUCKET_GROUPS = {"Workers R2 Storage Bucket Item Read": False, "Workers R2 Storage Bucket Item Write": True}


def of(cloud: Cloud, tx: Transaction) -> list[Credential]:
    """The key pairs of the owner and of every token that reaches R2."""
    found = [Credential(permissions.owner_id(cloud), permissions.digest(cloud.token))]
    for _, row in tx.everywhere("token"):
        if permissions.usable(row):
            found += of_token(row, cloud.account_id)
    return found


def of_token(token: Row, account: str) -> list[Credential]:
    """The key pair of one token, if it reaches anything of R2.

    One that a policy denies something of R2 reaches nothing at all: rather too little than too much.
    """
    everywhere: bool | None = None
    named: dict[tuple[str, str], bool] = {}
    for policy in token["policies"]:
        names = [NAMES.get(group["id"], "") for group in policy["permission_groups"]]
        if policy.get("effect", "allow") != "allow":
            if {*ACCOUNT_GROUPS, *BUCKET_GROUPS}.intersection(names):
                return []
            continue
        for name in names:
            if name in ACCOUNT_GROUPS:
                everywhere = bool(everywhere) or ACCOUNT_GROUPS[name]
            if name in BUCKET_GROUPS:
                for resource in policy.get("resources", {}):
                    bucket = _bucket(resource, account)
                    if bucket is not None:
                        named[bucket] = named.get(bucket, False) or BUCKET_GROUPS[name]
    if everywhere is not None:
        return [Credential(token["id"], token["_digest"], None, everywhere)]
    if not named:
        return []
    # One key pair either writes or does not: where a token mixes both, what it may write is what it reaches.
    writable = {bucket for bucket, write in named.items() if write}
    return [Credential(token["id"], token["_digest"], frozenset(writable or named), bool(writable))]


def _bucket(resource: str, account: str) -> tuple[str, str] | None:
    """(jurisdiction, bucket) of a policy's resource, if it is a bucket of this account."""
    prefix = f"{BUCKET}{account}_"
    if not resource.startswith(prefix):
        return None
    jurisdiction, _, name = resource.removeprefix(prefix).partition("_")
    return (jurisdiction, name) if name else None
