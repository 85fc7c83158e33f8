"""Medusa's instances: what each server becomes, the release that they serve, and how they join and leave."""

from __future__ import annotations

from components.backend.component import Backend, BackendArgs
from components.backend.environment import origin_secrets

__all__ = ["Backend", "BackendArgs", "origin_secrets"]
