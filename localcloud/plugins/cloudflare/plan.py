"""What would change, and how inputs and answers are put together.

A program says only some of a resource's properties, at every depth. What it does not say, the API fills in, and that is
no difference; what it no longer says is taken away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from localcloud.plugins.base.diff import Kind
from localcloud.plugins.base.values import Properties, Unknown, Value, is_unknown
from localcloud.plugins.cloudflare.tables import fields, item

Same = Callable[[Value, Value], bool]


def same_json(old: Value, new: Value) -> bool:
    """Whether two texts are the same JSON."""
    try:
        return bool(json.loads(old) == json.loads(new))
    except (TypeError, ValueError):
        return False


def same_time(old: Value, new: Value) -> bool:
    """Whether two RFC 3339 texts are the same moment."""
    try:
        return datetime.fromisoformat(old) == datetime.fromisoformat(new)
    except (TypeError, ValueError):
        return False


def same_letters(old: Value, new: Value) -> bool:
    """Whether two texts are the same but for upper and lower case."""
    return str(old).lower() == str(new).lower()


@dataclass(frozen=True)
class Comparison:
    """How one resource's values are compared. Paths are without indexes: ``policies.resources``."""

    unordered: frozenset[str] = frozenset()
    same: Mapping[str, Same] = field(default_factory=dict)

    def changes(self, path: str, kind: str, state: Value, new: Value, old: Value = None) -> dict[str, Kind]:
        """Paths that differ; ``old`` is the program's former value, for what it no longer says."""
        return self._changes(path, path, kind, state, new, old)

    def _changes(self, path: str, plain: str, kind: str, state: Value, new: Value, old: Value) -> dict[str, Kind]:
        if isinstance(new, Unknown) or isinstance(state, Unknown):
            return {path: "update" if state is not None else "add"}
        if new is None or new == []:
            return {} if state is None or state == [] else {path: "delete"}
        if state is None:
            return {path: "add"}
        if plain in self.same and self.same[plain](state, new):
            return {}
        if kind.startswith("[") and isinstance(state, list):
            return self._lists(path, plain, item(kind), state, new, old)
        if kind.startswith("{") and isinstance(state, dict):
            names = [*new, *(name for name in state if name not in new)]
            inner = old if isinstance(old, dict) else {}
            kinds = dict.fromkeys(names, item(kind))
            return self._members(path, plain, kinds, state, new, inner, names)
        known = fields(kind)
        if known is not None and isinstance(state, dict):
            inner = old if isinstance(old, dict) else {}
            names = [*new, *(name for name in inner if name not in new)]
            kinds = {name: known[name].kind if name in known else "any" for name in names}
            return self._members(path, plain, kinds, state, new, inner, names)
        equal = state == new and isinstance(state, bool) == isinstance(new, bool)
        return {} if equal else {path: "update"}

    def _members(
        self,
        path: str,
        plain: str,
        kinds: Mapping[str, str],
        state: Properties,
        new: Properties,
        old: Properties,
        names: list[str],
    ) -> dict[str, Kind]:
        found: dict[str, Kind] = {}
        for name in names:
            step = f".{name}" if name.isidentifier() else f'["{name}"]'
            found |= self._changes(
                path + step, f"{plain}.{name}", kinds[name], state.get(name), new.get(name), old.get(name)
            )
        return found

    def _lists(
        self, path: str, plain: str, kind: str, state: list[Value], new: list[Value], old: Value
    ) -> dict[str, Kind]:
        before = old if isinstance(old, list) else []
        if plain in self.unordered and not is_unknown(new):
            state, before = self._aligned(plain, kind, state, new), []
        found: dict[str, Kind] = {}
        for index in range(max(len(state), len(new))):
            at = f"{path}[{index}]"
            if index >= len(new):
                found[at] = "delete"
            elif index >= len(state):
                found[at] = "add"
            else:
                was = before[index] if index < len(before) else None
                found |= self._changes(at, plain, kind, state[index], new[index], was)
        return found

    def overlay(self, path: str, kind: str, answer: Value, given: Value) -> Value:
        """The answer's value with what the program gave on top: a provider must return what it was given."""
        if given is None:
            return answer
        known = fields(kind)
        if known is not None and isinstance(answer, dict) and isinstance(given, dict):
            names = [*given, *(name for name in answer if name not in given)]
            kinds = {name: known[name].kind if name in known else "any" for name in names}
            merged = {
                name: self.overlay(f"{path}.{name}", kinds[name], answer.get(name), given.get(name)) for name in names
            }
            return {name: value for name, value in merged.items() if value is not None}
        if kind.startswith("[") and isinstance(answer, list) and isinstance(given, list) and len(answer) == len(given):
            if path in self.unordered:
                answer = self._aligned(path, item(kind), answer, given)
            return [self.overlay(path, item(kind), one, other) for one, other in zip(answer, given, strict=True)]
        return given

    def _aligned(self, plain: str, kind: str, state: list[Value], new: list[Value]) -> list[Value]:
        """The state's items in the order of the program's, the rest where there is room."""
        left = list(state)
        places: list[Value] = []
        for wanted in new:
            match = next((entry for entry in left if not self._changes("", plain, kind, entry, wanted, None)), None)
            places.append(match)
            if match is not None:
                left.remove(match)
        filled = [left.pop(0) if entry is None and left else entry for entry in places]
        return [entry for entry in filled if entry is not None] + left


def restrict(kind: str, seen: Value, given: Value) -> Value:
    """What was seen, cut to what the program says: the inputs that would make it so."""
    known = fields(kind)
    if known is not None and isinstance(seen, dict):
        names = [name for name in seen if not isinstance(given, dict) or name in given]
        cut = {
            name: restrict(
                known[name].kind if name in known else "any",
                seen[name],
                given.get(name) if isinstance(given, dict) else None,
            )
            for name in names
            if seen[name] is not None and (name not in known or not known[name].output)
        }
        return cut
    if kind.startswith("[") and isinstance(seen, list):
        same = isinstance(given, list) and len(given) == len(seen)
        return [restrict(item(kind), entry, given[index] if same else None) for index, entry in enumerate(seen)]
    return seen


def keep(seen: Value, known: Value, members: tuple[str, ...]) -> None:
    """Put what the API does not tell, or tells as asterisks, back into an object or a list's items."""
    if isinstance(seen, list) and isinstance(known, list):
        before = {entry.get("name"): entry for entry in known if isinstance(entry, dict)}
        for entry in seen:
            keep(entry, before.get(entry.get("name")), members)
    elif isinstance(seen, dict) and isinstance(known, dict):
        for member in members:
            told = seen.get(member)
            if known.get(member) is not None and (told is None or not str(told).strip("*")):
                seen[member] = known[member]
