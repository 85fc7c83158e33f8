"""Faults that tests ask for: the API then answers as a bad day would have it."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field, field_validator


class FaultRequest(BaseModel):
    """``path`` is a regular expression searched in the path below the API's root; without ``status`` it only delays."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    method: str = ".*"
    path: str = ".*"
    status: int | None = Field(default=None, ge=400, le=599)
    code: str | int | None = None
    message: str = "a fault that was asked for"
    times: int | None = Field(default=None, ge=1)
    delay_seconds: float = Field(default=0, ge=0, le=600, strict=False)

    @field_validator("path", "method")
    @classmethod
    def _compiles(cls, text: str) -> str:
        try:
            re.compile(text)
        except re.error as wrong:
            raise ValueError(f"is not a regular expression: {wrong}") from None
        return text


@dataclass
class Fault:
    asked: FaultRequest
    left: int | None
    hits: int = field(default=0)


class Faults:
    """The faults in force, the first that fits a request being applied to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, asked: FaultRequest) -> None:
        with self._lock:
            self._faults.append(Fault(asked, asked.times))

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def shown(self) -> list[dict[str, object]]:
        with self._lock:
            return [{**one.asked.model_dump(), "left": one.left, "hits": one.hits} for one in self._faults]

    def take(self, method: str, path: str) -> FaultRequest | None:
        """The fault for a request, used once more."""
        with self._lock:
            for fault in self._faults:
                fits = re.fullmatch(fault.asked.method, method, re.IGNORECASE) and re.search(fault.asked.path, path)
                if fits and fault.left != 0:
                    fault.hits += 1
                    if fault.left is not None:
                        fault.left -= 1
                    return fault.asked
        return None
