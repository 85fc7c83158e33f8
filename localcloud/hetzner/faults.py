"""Faults that tests ask for, in this API's codes."""

from __future__ import annotations

from localcloud.common import faults
from localcloud.common.faults import Faults
from localcloud.hetzner.errors import STATUS, ApiError
from localcloud.hetzner.fields import Body

__all__ = ["FaultRequest", "Faults", "error"]

CODES = {status: code for code, status in reversed(STATUS.items())} | {500: "server_error", 422: "service_error"}


class FaultRequest(faults.FaultRequest, Body):
    """A fault as it is asked for in a request's body."""


def error(asked: faults.FaultRequest) -> ApiError | None:
    """The answer that a fault asks for; None if it is only a delay."""
    if asked.status is None and asked.code is None:
        return None
    code = asked.code or CODES.get(asked.status or 0, "server_error")
    return ApiError(str(code), asked.message, status=asked.status)
