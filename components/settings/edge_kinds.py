"""Readers for the kinds of values that the Cloudflare half of a stack file holds; see `kinds`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from components.settings.errors import shown
from components.settings.kinds import HOST_NAME, BadItem, items, text

ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?P<host>[a-z0-9.-]{3,253})")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
VERSION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
LIKE_A_TIME = re.compile(r"\d{4}-?\d|\d{1,2}[.:/]\d{1,2}")
"""What somebody writes who means a time; the Worker takes every other text for an end that is not known."""
TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
MOST_VARIABLES = 64
"""Variables and secrets of one Worker (Workers' limit on the free plan; 128 on the paid one)."""
LARGEST_VARIABLE = 5 * 1024
"""Bytes of one variable's or secret's value (Workers' limit)."""


def account_id(value: object) -> str:
    found = text(value)
    if re.fullmatch(r"[0-9A-Fa-f]{32}", found):
        if found != found.lower():
            raise ValueError("has capital letters")
        return found
    if re.fullmatch(r"[A-Za-z0-9_-]{37,80}", found):
        raise ValueError("has the form of a token, not of an account's id")
    raise ValueError("is not 32 hexadecimal digits")


def directory(value: object) -> Path:
    return Path(text(value))


def url(value: object) -> str:
    """An http or https URL of a server, without path, query or user; returned without a slash at its end."""
    found = text(value)
    try:
        parts = urlsplit(found)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("is not an http or https URL")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("has more than scheme, host and port")
    return found.rstrip("/")


def bucket(value: object) -> str:
    found = text(value)
    if not BUCKET.fullmatch(found):
        raise ValueError("is not a bucket's name")
    return found


def maintenance(value: object) -> str:
    found = text(value)
    if len(found.encode("utf-8", "replace")) > LARGEST_VARIABLE:
        raise ValueError("is too long for a Worker's variable")
    if LIKE_A_TIME.match(found) and not _is_time(found):
        raise ValueError("begins like a time and is none: date, T, hours and minutes, then Z or +02:00")
    return found


def _is_time(given: str) -> bool:
    """As the Worker reads times (`TIME` in its maintenance.ts); a day that no calendar has is none."""
    if not TIME.fullmatch(given):
        return False
    try:
        datetime.fromisoformat(given)
    except ValueError:
        return False
    return True


def addresses(*, domains: bool) -> Callable[[object], tuple[str, ...]]:
    """A reader of lists of e-mail addresses and, with `domains`, of @domain, which stands for all of its addresses."""

    def read(value: object) -> tuple[str, ...]:
        found: list[str] = []
        for index, item in enumerate(items(value)):
            try:
                address = _address(item, domains)
            except ValueError as error:
                raise BadItem(index, f"holds {shown(item)}, which {error}") from None
            if address in found:
                raise BadItem(index, f"holds {address} twice", surplus=True)
            found.append(address)
        return tuple(found)

    return read


def _address(item: object, domains: bool) -> str:
    given = text(item)
    local, _, host = given.rpartition("@")
    given = f"{local}@{host.lower()}"
    if not local and given.startswith("@"):
        if not domains:
            raise ValueError("is a domain; an address is wanted")
        if HOST_NAME.fullmatch(given[1:]):
            return given
    elif (match := ADDRESS.fullmatch(given)) and HOST_NAME.fullmatch(match["host"]):
        return given
    raise ValueError(f"is not an e-mail address{' or @domain' if domains else ''}")


def variables(value: object) -> dict[str, str]:
    """Values by name, as a Worker takes variables. An error names the variable and never shows a value."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError("is not a set of names and values") from None
    if not isinstance(value, dict):
        raise ValueError("is not a set of names and values")
    if len(value) > MOST_VARIABLES:
        raise ValueError(f"holds {len(value)} variables; a Worker takes {MOST_VARIABLES}")
    found: dict[str, str] = {}
    for name, content in value.items():
        if not isinstance(name, str) or not VARIABLE.fullmatch(name):
            raise ValueError("holds a name that is not letters, digits and _")
        if isinstance(content, (bool, int)):
            # `pulumi config set --path` makes numbers and truth values of texts that look like them.
            content = json.dumps(content)
        if not isinstance(content, str):
            raise ValueError(f"holds something else than a text under {name}")
        if len(content.encode("utf-8", "replace")) > LARGEST_VARIABLE:
            raise ValueError(f"holds more than {LARGEST_VARIABLE} bytes under {name}, the most of a Worker's variable")
        found[name] = content
    return found


def versions(value: object) -> dict[str, float]:
    """Percentages of the visits by version of the Worker; those of earlier versions, beside the stack's own."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError("is not a set of versions and percentages") from None
    if not isinstance(value, dict):
        raise ValueError("is not a set of versions and percentages")
    found = {_version(id): _share(id, share) for id, share in value.items()}
    if (total := sum(found.values())) > 100:
        raise ValueError(f"gives {total:g} % of the visits away; there are 100")
    if len(found) + (total < 100) > 2:
        raise ValueError("splits visits between more than two versions, the stack's own among them")
    return found


def _version(id: object) -> str:
    if not isinstance(id, str) or not VERSION.fullmatch(id):
        raise ValueError(f"holds {shown(id)}, which is no version's id (pulumi stack output storefrontVersion)")
    return id


def _share(id: str, share: object) -> float:
    # `pulumi config set --path` makes numbers of texts that look like them; a YAML file may hold either.
    number = share
    if isinstance(share, str):
        try:
            number = float(share)
        except ValueError:
            number = None
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 < number <= 100:
        raise ValueError(f"gives version {id} {shown(share)}, which is no percentage above 0 and at most 100")
    return number


def ec_private_key(value: object) -> str:
    """A private key on the curve P-256, as PEM (PKCS #8), without a passphrase."""
    if not isinstance(value, str):
        raise ValueError("is not a string")
    pem = "".join(f"{line.strip()}\n" for line in value.strip().splitlines())
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("is not a private key in PEM without a passphrase") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("is a key of another type")
    if "BEGIN PRIVATE KEY" not in pem:
        raise ValueError("is not in PKCS #8")
    return pem
