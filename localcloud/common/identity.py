"""What can be told of an account before its cloud has run."""

from __future__ import annotations

import hashlib


def account_id(token: str) -> str:
    """The Cloudflare account's id: it follows from the owner's token."""
    return hashlib.sha256(f"account {token}".encode()).hexdigest()[:32]
