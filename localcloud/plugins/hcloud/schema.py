"""What a resource's properties are: kinds, defaults, who sets them, and what a change of them means.

The rules are those of the Terraform provider's schema as Pulumi's bridge shows it: a property that is optional and
computed keeps its value when the program leaves it out; one that is only optional is taken away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from localcloud.plugins.base.diff import Kind as ChangeKind
from localcloud.plugins.base.diff import compare
from localcloud.plugins.base.values import Properties, Unknown, Value, is_unknown

Kind = Literal["string", "int", "bool", "map", "list", "set", "object"]
_EMPTY: dict[Kind, Value] = {"string": "", "int": 0, "bool": False, "map": {}, "list": [], "set": [], "object": None}


@dataclass(frozen=True)
class Field:
    """One property. ``of`` is the kind of a list's or set's items, or the fields of an object."""

    name: str
    kind: Kind = "string"
    of: Kind | tuple[Field, ...] = "string"
    required: bool = False
    computed: bool = False
    output: bool = False
    """Set by the provider alone."""
    default: Value = None
    replace: bool = False
    secret: bool = False
    check: Callable[[Value], str | None] | None = None
    """Says what is wrong with a known value."""
    stored: Callable[[Value], Value] | None = None
    """How the state keeps an input."""
    same: Callable[[Value, Value], bool] | None = None
    """Whether a stored and a wanted value mean the same, beyond being equal."""
    unstable: bool = False
    """An output that may be another one after any update."""
    key: tuple[str, ...] = ()
    """What tells the objects of a set apart, if not all of their fields do."""

    def coerce(self, value: Value) -> Value:
        """A value as the kind has it: ``"42"`` for an int is 42. Raises ValueError with the reason."""
        if value is None or isinstance(value, Unknown):
            return value
        return _coerce(self.kind, self.of, value)

    def problem(self, value: Value) -> str | None:
        """What is wrong with a coerced value, or None."""
        if self.check is None or value is None or is_unknown(value):
            return None
        return self.check(value)

    def changes(self, old: Value, new: Value) -> dict[str, ChangeKind]:
        """Paths that differ between the state's value and the wanted one; empty and absent are the same."""
        if new is None and self.computed:
            return {}
        if self.stored is not None and new is not None and not isinstance(new, Unknown):
            new = self.stored(new)
        if self.same is not None and not is_unknown(new) and self.same(old, new):
            return {}
        empty = self.default if self.default is not None else _EMPTY[self.kind]
        was, wanted = empty if old is None else old, empty if new is None else new
        if self.kind == "set" and isinstance(was, list) and isinstance(wanted, list) and not is_unknown(wanted):
            was, wanted = _sorted(was, self.key), _sorted(wanted, self.key)
        if isinstance(self.of, tuple) and not is_unknown(wanted):
            was, wanted = complete(self.of, was, was), complete(self.of, wanted, was)
        if not compare(self.name, was or None, wanted or None):
            return {}
        # What differs is shown as added or deleted only where one side says nothing at all.
        return compare(self.name, None if old is None else was, None if new is None else wanted)


def complete(fields: tuple[Field, ...], value: Value, known: Value) -> Value:
    """Objects with every field: defaults where the program gave nothing, computed ones from what is ``known``."""
    if isinstance(value, list):
        known_items = known if isinstance(known, list) else []
        pairs = [(item, known_items[i] if i < len(known_items) else None) for i, item in enumerate(value)]
        return [complete(fields, item, other) for item, other in pairs]
    if not isinstance(value, dict):
        return value
    known = known if isinstance(known, dict) else {}
    result: Properties = {}
    for field in fields:
        given = value.get(field.name)
        if given is None:
            given = known.get(field.name) if field.computed or field.output else field.default
        if isinstance(field.of, tuple):
            given = complete(field.of, given, known.get(field.name))
        if field.stored is not None and given is not None:
            given = field.stored(given)
        if field.kind == "set" and isinstance(given, list):
            given = _sorted(given, field.key)
        if given is not None and given != _EMPTY[field.kind]:
            result[field.name] = given
    return result


def _sorted(items: list[Value], key: tuple[str, ...]) -> list[Value]:
    if key:
        return sorted(items, key=lambda item: repr([item.get(name) for name in key]))
    return sorted(items, key=lambda item: repr(sorted(item.items()) if isinstance(item, dict) else item))


def _coerce(kind: Kind, of: Kind | tuple[Field, ...], value: Value) -> Value:
    if isinstance(value, Unknown):
        return value
    if kind == "string":
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, int | float) else _expect(value, str, "a string")
    if kind == "int":
        if isinstance(value, str) and value.lstrip("-").isdigit():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"expected a whole number, got {value!r}")
        return value
    if kind == "bool":
        if isinstance(value, str) and value in ("true", "false"):
            return value == "true"
        return _expect(value, bool, "a boolean")
    if kind == "map":
        _expect(value, dict, "an object of strings")
        return {name: _coerce("string", "string", item) for name, item in value.items()}
    if kind == "object":
        return _coerce_object(of, value)
    _expect(value, list, "a list")
    if isinstance(of, tuple):
        return [_coerce_object(of, item) for item in value]
    return [_coerce(of, "string", item) for item in value]


def _coerce_object(of: Kind | tuple[Field, ...], value: Value) -> Value:
    if isinstance(value, Unknown) or not isinstance(of, tuple):
        return value
    _expect(value, dict, "an object")
    fields = {field.name: field for field in of}
    result: Properties = {}
    for name, item in value.items():
        if name.startswith("__"):
            continue
        if name not in fields:
            raise ValueError(f"unknown property {name!r}, expected one of {', '.join(sorted(fields))}")
        result[name] = fields[name].coerce(item)
        if problem := fields[name].problem(result[name]):
            raise ValueError(f"{name}: {problem}")
    missing = [field.name for field in of if field.required and value.get(field.name) is None]
    if missing:
        raise ValueError(f"missing {', '.join(missing)}")
    return result


def _expect(value: Value, kind: type, words: str) -> Value:
    if not isinstance(value, kind):
        raise ValueError(f"expected {words}, got {value!r}")
    return value
