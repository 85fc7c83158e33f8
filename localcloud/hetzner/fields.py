"""Field types that requests share, and the translation of what pydantic finds wrong into the API's error."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from localcloud.hetzner.errors import ApiError, invalid_fields
from localcloud.hetzner.selectors import key_problem, value_problem

HOST_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
VOLUME_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


class Body(BaseModel):
    """A request's body. Types are strict as the API's are: ``"1"`` is no integer. Unknown fields are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


def _labels(labels: dict[str, str]) -> dict[str, str]:
    for key, value in labels.items():
        for problem in (key_problem(key), value_problem(value)):
            if problem:
                raise ValueError(problem)
    return labels


def _hostname(name: str) -> str:
    if len(name) > 253 or not all(HOST_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError("must be a valid hostname as per RFC 1123")
    return name


def _volume_name(name: str) -> str:
    if not VOLUME_NAME.fullmatch(name):
        raise ValueError("must be at most 64 letters, digits, '-', '_' and '.', beginning and ending alphanumeric")
    return name


def _trimmed(name: str) -> str:
    if name != name.strip():
        raise ValueError("must not begin or end with whitespace")
    return name


def _reference(value: object) -> object:
    """Clients send an id as an integer or as a string of digits, and a name as a string."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value


def _ipv4(value: str) -> str:
    try:
        return str(IPv4Address(value))
    except ValueError:
        raise ValueError("is not a valid IPv4 address") from None


def _ipv4_network(value: str) -> str:
    try:
        return str(IPv4Network(value))
    except ValueError:
        raise ValueError("is not a valid IPv4 network in CIDR notation with empty host bits") from None


Labels = Annotated[dict[str, str], AfterValidator(_labels)]
Name = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_trimmed)]
Hostname = Annotated[str, Field(min_length=1), AfterValidator(_hostname)]
VolumeName = Annotated[str, Field(min_length=1), AfterValidator(_volume_name)]
Reference = Annotated[int | str, BeforeValidator(_reference)]
"""The id or the name of something in the catalogue."""
Ipv4 = Annotated[str, AfterValidator(_ipv4)]
Ipv4Cidr = Annotated[str, AfterValidator(_ipv4_network)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Update(Body):
    """PUT of most resources: what is left out stays; labels are replaced as a whole."""

    name: Name | None = None
    labels: Labels | None = None


class ChangeProtection(Body):
    delete: bool | None = None


class ChangeDnsPtr(Body):
    ip: str
    dns_ptr: str | None = Field(default=None, max_length=255)


REASONS = {
    "missing": "Missing data for required field.",
    "string_type": "expected string",
    "int_type": "expected integer",
    "int_from_float": "expected integer",
    "bool_type": "expected boolean",
    "list_type": "expected array",
    "dict_type": "expected object",
    "model_type": "expected object",
    "string_too_long": "is too long",
    "string_too_short": "is too short",
}
B = TypeVar("B", bound=Body)


def validate(model: type[B], body: Any) -> B:
    """``body`` as the group's model. Raises 422 that names each field at fault as the API writes paths."""
    if body is None:
        body = {}
    if not isinstance(body, dict):
        raise ApiError("json_error", "the request's body must be a JSON object")
    try:
        return model.model_validate(body)
    except ValidationError as wrong:
        fields: dict[str, list[str]] = {}
        for error in wrong.errors(include_url=False, include_input=False):
            reason = REASONS.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")
            reasons = fields.setdefault(_path(error["loc"]), [])
            if reason not in reasons:
                reasons.append(reason)
        raise invalid_fields(fields) from None


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part not in ("int", "str") and "function" not in part:
            path += f".{part}" if path else part
    return path or "body"
