"""What every group of settings is made of: how a key is explained, and the kinds of values that several keys share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, SecretStr

from components.settings import kinds

PROJECT = "opticworks-store"
"""The project's name in Pulumi.yaml, and so the namespace of its keys."""

PASSWORD = r"[A-Za-z0-9_-]{24,128}"
NAME_RULE = "must start with a letter and hold small letters, digits, - and _ only, at most 63"
PASSWORD_RULE = "must be 24 to 128 letters, digits, - and _"


class Environment(StrEnum):
    LOCAL = "local"
    STAGING = "staging"
    PRODUCTION = "production"


class StripeMode(StrEnum):
    TEST = "test"
    LIVE = "live"


class CloudflarePlan(StrEnum):
    FREE = "free"
    PRO = "pro"
    BUSINESS = "business"


@dataclass(frozen=True)
class Key:
    """How a key is explained to whoever sets it."""

    rule: str
    """Completes "KEY …"."""
    example: str
    """A value for the fixing command."""
    secret: bool = False
    generated: bool = False
    """Whether `scripts/store secrets generate` makes it."""
    many: bool = False
    """Whether it is a list."""
    named: bool = False
    """Whether it holds values by name; `example` is then a name and its value."""
    hidden: bool = False
    """Whether an error must not show it though it is not a secret: secrets are put there by mistake."""


def password_key(*, generated: bool = True) -> Key:
    return Key(PASSWORD_RULE, "", secret=True, generated=generated)


def host_key(example: str) -> Key:
    return Key("must be a host name in the domain", example)


def flag_key(example: str) -> Key:
    return Key("must be true or false", example)


Password = Annotated[SecretStr, BeforeValidator(kinds.matching(PASSWORD, "has other characters or another length"))]
Replacement = Annotated[str, BeforeValidator(kinds.matching(r"[A-Za-z0-9._-]{1,64}", "has other characters"))]
Name = Annotated[str, BeforeValidator(kinds.matching(r"[a-z][a-z0-9_-]{0,62}", "is not such a name"))]
Host = Annotated[str, BeforeValidator(kinds.host_name)]
Flag = Annotated[bool, BeforeValidator(kinds.boolean)]
