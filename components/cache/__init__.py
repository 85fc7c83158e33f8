"""Redis 7 as two services: `durable`, which keeps everything, and `cache`, which may be cleared at any time."""

from __future__ import annotations

from components.cache.component import Cache, CacheArgs

__all__ = ["Cache", "CacheArgs"]
