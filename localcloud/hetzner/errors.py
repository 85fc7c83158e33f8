"""The API's errors: one code, one HTTP status, one envelope."""

from __future__ import annotations

from typing import Any

from localcloud.common.errors import Refused

STATUS = {
    "json_error": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "maintenance": 403,
    "resource_limit_exceeded": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "uniqueness_error": 409,
    "conflict": 409,
    "deprecated_api_endpoint": 410,
    "resource_unavailable": 412,
    "primary_ip_version_mismatch": 412,
    "locked": 423,
    "protected": 423,
    "rate_limit_exceeded": 429,
    "server_error": 500,
    "bad_gateway": 502,
    "unavailable": 503,
    "timeout": 504,
}
"""Code → HTTP status, as the official document lists them; a code that is not here is answered with 422."""


class ApiError(Refused):
    """An answer other than success. ``status`` is derived from ``code`` unless an operation documents another one."""

    def __init__(
        self, code: str, message: str, details: dict[str, Any] | None = None, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
        self.status = status or STATUS.get(code, 422)

    def body(self) -> dict[str, Any]:
        """The envelope that every client parses."""
        return {"error": {"code": self.code, "message": self.message, "details": self.details}}


def invalid(field: str, *messages: str) -> ApiError:
    """422 for one field; ``field`` is its path in the request, for example ``services[0].listen_port``."""
    return invalid_fields({field: list(messages)})


def invalid_fields(fields: dict[str, list[str]]) -> ApiError:
    """422 that names every field at fault with every reason."""
    names = ", ".join(f"'{name}'" for name in fields)
    reasons = ", ".join(reason for reasons in fields.values() for reason in reasons)
    return ApiError(
        "invalid_input",
        f"invalid input in field{'s' if len(fields) > 1 else ''} {names}: {reasons}",
        {"fields": [{"name": name, "messages": reasons} for name, reasons in fields.items()]},
    )


def not_found(noun: str, what: object) -> ApiError:
    """404 with the code that clients take for "gone"; ``noun`` is ``server``, ``load balancer`` and so on."""
    return ApiError("not_found", f"{noun} with ID '{what}' not found")


def not_unique(noun: str, field: str = "name") -> ApiError:
    """409 for a name, or another field, that another resource of the project already has."""
    return ApiError("uniqueness_error", f"{noun} {field} is already used", {"fields": [{"name": field}]})


def limit_exceeded(limit: str, message: str = "project limit exceeded") -> ApiError:
    """403 for one resource more than the project may have."""
    return ApiError("resource_limit_exceeded", message, {"limits": [{"name": limit}]})


def locked(noun: str) -> ApiError:
    """423 while an action works on the resource. Clients do not retry it on their own."""
    return ApiError("locked", f"cannot perform operation because {noun} is locked")


def protected(noun: str, operation: str = "delete") -> ApiError:
    """423 for what the resource's protection forbids."""
    return ApiError("protected", f"{noun} {operation} protection is enabled")


def gone(message: str, announcement: str) -> ApiError:
    """410 for what the API once had."""
    return ApiError("deprecated_api_endpoint", message, {"announcement": announcement})
