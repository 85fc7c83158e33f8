"""Values between the three worlds: what a program gives, what the state keeps, and what travels to the API."""

from __future__ import annotations

import json
from typing import Any

from localcloud.plugins.base.values import Properties, Unknown, Value
from localcloud.plugins.cloudflare.naming import snake, wire
from localcloud.plugins.cloudflare.tables import Property, fields, item

Paths = frozenset[str]
"""Property paths without indexes: ``policies.resources``."""


def compact(value: Any) -> str:
    """JSON without spaces, keys in the order that they came in."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def coerce(kind: str, value: Value) -> Value:
    """A program's value as the kind has it: ``"42"`` for a number is 42. Raises ValueError with the reason."""
    if value is None or isinstance(value, Unknown) or kind == "any":
        return value
    if kind.startswith("["):
        if not isinstance(value, list):
            raise ValueError(f"expected a list, got {value!r}")
        return [coerce(item(kind), entry) for entry in value]
    if kind.startswith("{"):
        return {name: coerce(item(kind), entry) for name, entry in _object(value).items()}
    known = fields(kind)
    if known is not None:
        return _coerce_object(known, _object(value))
    if kind == "string":
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        if not isinstance(value, str):
            raise ValueError(f"expected a string, got {value!r}")
        return value
    if kind == "boolean":
        if value in ("true", "false"):
            return value == "true"
        if not isinstance(value, bool):
            raise ValueError(f"expected a boolean, got {value!r}")
        return value
    return _number(kind, value)


def _number(kind: str, value: Value) -> Value:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise ValueError(f"expected a number, got {value!r}") from None
        value = int(value) if value.is_integer() else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected a number, got {value!r}")
    if kind == "integer" and not isinstance(value, int):
        raise ValueError(f"expected a whole number, got {value!r}")
    return value


def _object(value: Value) -> Properties:
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {value!r}")
    return {name: entry for name, entry in value.items() if not name.startswith("__")}


def _coerce_object(known: dict[str, Property], value: Properties) -> Properties:
    found: Properties = {}
    for name, entry in value.items():
        if name not in known or known[name].output:
            allowed = ", ".join(sorted(name for name, field in known.items() if not field.output))
            raise ValueError(f"unknown property {name!r}, expected one of {allowed}")
        try:
            found[name] = coerce(known[name].kind, entry)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    missing = [name for name, field in known.items() if field.required and value.get(name) is None]
    if missing:
        raise ValueError(f"missing {', '.join(missing)}")
    return found


def send(kind: str, value: Value, texts: Paths = frozenset(), path: str = "") -> Any:
    """A value for a request's JSON. ``texts`` are paths whose text is JSON that travels as such."""
    if value is None or kind == "any":
        return value
    if path in texts and isinstance(value, str):
        return json.loads(value)
    if kind.startswith("["):
        return [send(item(kind), entry, texts, path) for entry in value]
    if kind.startswith("{"):
        return {name: send(item(kind), entry, texts, path) for name, entry in value.items()}
    known = fields(kind)
    if known is None:
        return value
    return {
        wire(kind[1:], name): send(known[name].kind, entry, texts, f"{path}.{name}")
        for name, entry in value.items()
        if entry is not None and name in known
    }


def receive(kind: str, value: Any) -> Value:
    """A value of an answer as the state keeps it; what the SDK does not know is left out."""
    if value is None or kind == "any":
        return value
    if kind.startswith("["):
        return [receive(item(kind), entry) for entry in value] if isinstance(value, list) else None
    if kind.startswith("{"):
        return {name: receive(item(kind), entry) for name, entry in value.items()} if isinstance(value, dict) else None
    known = fields(kind)
    if known is not None:
        return receive_object(kind[1:], known, value) if isinstance(value, dict) else None
    if kind == "string":
        if isinstance(value, dict | list):
            return compact(value)
        return ("true" if value else "false") if isinstance(value, bool) else str(value)
    return value


def receive_object(owner: str, known: dict[str, Property], answer: Properties) -> Properties:
    """Properties that an answer tells; a null is None, so that it differs from what was not said."""
    found: Properties = {}
    for name, field in known.items():
        for written in (wire(owner, name), snake(name), name):
            if written in answer:
                found[name] = receive(field.kind, answer[written])
                break
    return found
