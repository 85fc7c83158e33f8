"""The journal of requests, as both clouds keep it."""

from __future__ import annotations

from localcloud.common.journal import Journal, redacted

__all__ = ["Journal", "redacted"]
