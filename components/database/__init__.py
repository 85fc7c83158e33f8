"""PostgreSQL 17: its volume, and what its server becomes."""

from __future__ import annotations

from components.database.component import Database, DatabaseArgs

__all__ = ["Database", "DatabaseArgs"]
