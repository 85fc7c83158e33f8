"""From declared images to what the delivery of pictures is told."""

from __future__ import annotations

import base64
import hashlib

from localcloud.cloudflare.cloud import Cloud
from localcloud.cloudflare.dataplane.interface import Library, Picture, Variant
from localcloud.cloudflare.images import variants
from localcloud.cloudflare.images_service.names import HOST
from localcloud.cloudflare.store import Transaction


def account_hash(account: str) -> str:
    """The account's part of a delivery URL."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"images {account}".encode()).digest()[:16]).rstrip(b"=").decode()


def signing_key(cloud: Cloud) -> str:
    """The secret that signs URLs of private images."""
    return hashlib.sha256(f"image key {cloud.token}".encode()).hexdigest()[:40]


def library(cloud: Cloud, tx: Transaction) -> Library:
    account = cloud.account_id
    rows = tx.all("image", account)
    settings = tx.get("image_settings", account, "config") or {}
    return Library(
        hash=account_hash(account),
        host=HOST,
        pictures={row["id"]: Picture(row["id"], row["requireSignedURLs"]) for row in rows},
        variants=tuple(
            Variant(row["id"], row["options"], row["neverRequireSignedURLs"]) for row in variants.rows(tx, account)
        ),
        flexible=bool(settings.get("flexible_variants")),
        keys=(signing_key(cloud),),
    )
