"""Fields, checks and calls that many resources have in common."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.values import Properties, Value
from localcloud.plugins.hcloud.api import Api, Json, is_code
from localcloud.plugins.hcloud.schema import Field

_LABEL_PART = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?")
_LABEL_PREFIX = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?")


def check_labels(labels: Value) -> str | None:
    """What the client library finds wrong with labels."""
    for key, value in labels.items():
        prefix, _, name = key.rpartition("/")
        if prefix == "hetzner.cloud" or prefix.endswith(".hetzner.cloud"):
            return f"label key {key!r}: the prefix hetzner.cloud/ is reserved"
        if not _LABEL_PART.fullmatch(name) or ("/" in key and not _LABEL_PREFIX.fullmatch(prefix)):
            return f"label key {key!r} is not correctly formatted: [prefix/]name, name of 1-63 letters, digits, '-_.'"
        if value and not _LABEL_PART.fullmatch(str(value)):
            return f"label value {value!r} (key {key!r}) is not correctly formatted: up to 63 letters, digits, '-_.'"
    return None


def check_cidr(value: Value) -> str | None:
    """Whether a text is an address range."""
    try:
        if "/" not in value:
            raise ValueError
        ipaddress.ip_interface(value)
    except ValueError:
        return f"expected to be a valid CIDR value, got {value}"
    return None


def check_ip(value: Value) -> str | None:
    """Whether a text is an address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return f"expected to be a valid IP address, got {value}"
    return None


def check_ips(values: Value) -> str | None:
    """Whether all texts are addresses."""
    return next((problem for value in values if (problem := check_ip(value))), None)


def removed(value: Value) -> str | None:
    """The check of an attribute that the API has no longer."""
    return "the attribute datacenter was removed from the API on 2026-07-01: use location instead"


def one_of(*allowed: str) -> Callable[[Value], str | None]:
    """A check that a text is one of a few."""

    def check(value: Value) -> str | None:
        return None if value in allowed else f"expected one of {', '.join(allowed)}, got {value}"

    return check


NAME = Field("name", required=True)
LABELS = Field("labels", "map", check=check_labels)
FRAMEWORK_LABELS = Field("labels", "map", check=check_labels, default={})
DELETE_PROTECTION = Field("deleteProtection", "bool", default=False)


def network_of(cidr: str) -> str:
    """A range as the API writes it: host bits cleared."""
    return str(ipaddress.ip_network(cidr, strict=False))


def split_id(id: str, what: str, form: str) -> tuple[int, str]:
    """``NUMBER-REST`` of a composite id."""
    first, _, rest = id.partition("-")
    if not first.isdigit() or not rest:
        raise ProviderError(f"unexpected id {id!r} of a {what}, expected {form}")
    return int(first), rest


def put_changed(api: Api, path: str, new: Properties, changed: set[str], names: tuple[str, ...]) -> None:
    """One PUT for each changed property, as the provider's older half does."""
    for name in names:
        if name in changed:
            api.put(path, {_SNAKE.get(name, name): new.get(name) if name != "labels" else new.get(name) or {}})


_SNAKE = {"exposeRoutesToVswitch": "expose_routes_to_vswitch"}


def protect(api: Api, path: str, on: bool) -> None:
    """Switch delete protection."""
    api.act(f"{path}/actions/change_protection", {"delete": on})


def delete_quietly(api: Api, path: str) -> None:
    """Delete, and wait for the action if there is one; what is gone already is fine."""
    try:
        api.wait([api.delete(path).get("action")])
    except ProviderError as error:
        if not is_code(error, "not_found"):
            raise


def without_nones(body: Json) -> Json:
    """A request body without what is not set."""
    return {name: value for name, value in body.items() if value is not None}
