"""Differences between property values, as the engine shows them: a path for each, and what happened there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from localcloud.plugins.base.values import Archive, Asset, Unknown, Value

Kind = Literal["add", "delete", "update"]


@dataclass
class Difference:
    """What an update would change: ``changes`` maps paths to kinds, ``replaces`` are those that need a new resource."""

    changes: dict[str, Kind] = field(default_factory=dict)
    replaces: set[str] = field(default_factory=set)
    delete_before_replace: bool = False
    inputs: bool = False
    """Whether old inputs were compared with new ones; else old outputs with new inputs."""

    def roots(self) -> set[str]:
        """Names of the top-level properties that change."""
        return {root(path) for path in self.changes}


def root(path: str) -> str:
    """The top-level property of a path: ``rules`` of ``rules[0].port``."""
    return path.split(".")[0].split("[")[0]


def equal(old: Value, new: Value) -> bool:
    """Whether two values are the same; an unknown is equal to nothing, True is not 1."""
    return not compare("", old, new)


def compare(path: str, old: Value, new: Value) -> dict[str, Kind]:
    """Paths at which two values differ, below ``path``. None and absence are the same."""
    if isinstance(new, Unknown) or isinstance(old, Unknown):
        return {path: "update" if old is not None else "add"}
    if old is None or new is None:
        if old is None and new is None:
            return {}
        return {path: "add" if old is None else "delete"}
    if isinstance(old, dict) and isinstance(new, dict):
        return _compare_objects(path, old, new)
    if isinstance(old, list) and isinstance(new, list):
        changes: dict[str, Kind] = {}
        for index in range(max(len(old), len(new))):
            old_item = old[index] if index < len(old) else None
            new_item = new[index] if index < len(new) else None
            changes |= compare(f"{path}[{index}]", old_item, new_item)
        return changes
    if isinstance(old, Asset | Archive) and isinstance(new, Asset | Archive) and type(old) is type(new):
        # Where the content came from does not matter: a checkout elsewhere is no change.
        return {} if old.hash and old.hash == new.hash else ({} if old == new else {path: "update"})
    same = type(old) is type(new) or not (isinstance(old, bool) or isinstance(new, bool))
    return {} if same and old == new else {path: "update"}


def _compare_objects(path: str, old: dict[str, Value], new: dict[str, Value]) -> dict[str, Kind]:
    changes: dict[str, Kind] = {}
    for name in [*old, *(name for name in new if name not in old)]:
        if name != "__defaults":  # the bridge's own note, not a property
            step = name if name.isidentifier() else f'["{name}"]'
            below = step if not path else f"{path}{step}" if step.startswith("[") else f"{path}.{step}"
            changes |= compare(below, old.get(name), new.get(name))
    return changes
