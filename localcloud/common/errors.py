"""Errors of the APIs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Refused(Exception, ABC):
    """An answer other than success: its HTTP status, and its code in the API's own terms."""

    status: int
    code: str | int

    @abstractmethod
    def body(self) -> dict[str, Any]:
        """The envelope that every client parses."""
