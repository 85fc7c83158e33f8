"""The API's errors: a number, a sentence, an HTTP status, in the envelope of every answer."""

from __future__ import annotations

from typing import Any

from localcloud.common.errors import Refused


class ApiError(Refused):
    """An answer other than success. ``pointer`` is the JSON pointer of the value at fault, where the API gives one."""

    def __init__(self, status: int, code: int, message: str, pointer: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.pointer = pointer

    def body(self) -> dict[str, Any]:
        """The envelope that every client parses."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.pointer:
            error["source"] = {"pointer": self.pointer}
        return {"result": None, "success": False, "errors": [error], "messages": []}


def no_route(path: str) -> ApiError:
    text = f"Could not route to /client/v4{path}, perhaps your object identifier is invalid?"
    return ApiError(404, 7003, text)


def bad_request(message: str, code: int = 1004, pointer: str | None = None) -> ApiError:
    return ApiError(400, code, message, pointer)
