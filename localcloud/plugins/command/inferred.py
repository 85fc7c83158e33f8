"""How the plugin's framework (pulumi-go-provider's ``infer``) treats every resource: checks, differences, previews."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from localcloud.plugins.base.diff import Difference, compare, equal, root
from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.naming import Autonaming
from localcloud.plugins.base.operations import Call, Checked, Failure, Reading
from localcloud.plugins.base.values import UNKNOWN, Archive, Asset, Properties, Secret, Unknown, Value, is_unknown

Kind = Literal["string", "int", "number", "bool", "strings", "string_map", "any_list", "asset", "object"]


@dataclass(frozen=True)
class Input:
    """One input. ``fields`` are those of an object; ``choices`` the values of an enumeration."""

    name: str
    kind: Kind = "string"
    required: bool = False
    secret: bool = False
    replace: bool = False
    default: Value = None
    fields: tuple[Input, ...] = ()
    choices: tuple[str, ...] = ()


def new_id(prefix: str = "") -> str:
    """An id: the resource's name, if it goes in, and eight random hex digits."""
    return prefix + secrets.token_hex(4)


def check_object(inputs: tuple[Input, ...], given: Properties, path: str, failures: list[Failure]) -> Properties:
    """The inputs with nested defaults; appends what is wrong to ``failures``."""
    known = {item.name: item for item in inputs}
    result: Properties = {}
    for name in given:
        if name not in known and not name.startswith("__") and name != "version":
            failures.append(Failure(path + name, f"unknown property, expected one of {', '.join(known)}"))
    for item in inputs:
        value = given.get(item.name)
        value = item.default if value is None else value
        where = path + item.name
        if value is None:
            if item.required:
                failures.append(Failure(where, f"missing required property {item.name!r}"))
            continue
        if item.kind == "object" and isinstance(value, dict):
            value = check_object(item.fields, value, where + ".", failures)
        elif reason := _problem(item, value):
            failures.append(Failure(where, reason))
        result[item.name] = value
    return result


def hide(inputs: tuple[Input, ...], values: Properties) -> Properties:
    """The same properties with those that are always secret marked so."""
    always = {item.name for item in inputs if item.secret}
    return {name: Secret(value) if name in always else value for name, value in values.items()}


def _problem(item: Input, value: Value) -> str | None:
    if isinstance(value, Unknown):
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    right = {
        "string": isinstance(value, str),
        "int": number and float(value).is_integer() if number else False,
        "number": number,
        "bool": isinstance(value, bool),
        "strings": isinstance(value, list) and all(isinstance(part, str | Unknown) for part in value),
        "string_map": isinstance(value, dict) and all(isinstance(part, str | Unknown) for part in value.values()),
        "any_list": isinstance(value, list),
        "asset": isinstance(value, Asset | Archive),
        "object": isinstance(value, dict),
    }
    words = {"strings": "a list of strings", "string_map": "an object of strings", "asset": "an asset or an archive"}
    if not right[item.kind]:
        return f"expected {words.get(item.kind, item.kind)}, got {type(value).__name__}"
    if item.choices and value not in item.choices:
        return f"expected one of {', '.join(item.choices)}, got {value!r}"
    return None


class InferredResource(ABC):
    """A resource whose outputs are its inputs and a few more; ``computed`` are those that only running it can tell."""

    token: ClassVar[str]
    inputs: ClassVar[tuple[Input, ...]]
    computed: ClassVar[tuple[str, ...]] = ()
    updatable: ClassVar[bool] = True
    """Without an update, every change makes a new resource."""

    @abstractmethod
    def run_create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Id and outputs."""

    def run_update(self, call: Call, state: Properties, inputs: Properties) -> Properties:
        """Outputs. Those that are not updatable have none."""
        raise ProviderError(f"{self.token} cannot be changed, only made anew")

    def run_delete(self, call: Call, state: Properties) -> None:
        """Nothing, unless a subclass has something to do."""
        return

    def check(
        self, call: Call, old: Properties, new: Properties, seed: bytes, autonaming: Autonaming | None
    ) -> Checked:
        """Types, required inputs, defaults of nested objects; always-secret inputs are marked."""
        failures: list[Failure] = []
        checked = check_object(self.inputs, new, "", failures)
        return Checked(hide(self.inputs, checked), failures)

    def diff(self, call: Call, old_inputs: Properties, state: Properties, new: Properties) -> Difference:
        """Old inputs against new ones: there is nothing outside the state that could have drifted."""
        difference = Difference(inputs=True)
        names = {item.name: item for item in self.inputs}
        for name, item in names.items():
            difference.changes |= compare(name, old_inputs.get(name), new.get(name))
            if item.replace or not self.updatable:
                difference.replaces |= {path for path in difference.changes if root(path) == name}
        return difference

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Run it; in a preview nothing runs and what it would print is unknown."""
        if call.preview:
            return "", hide(self.inputs, inputs | dict.fromkeys(self.computed, UNKNOWN))
        id, outputs = self.run_create(call, inputs)
        return id, hide(self.inputs, outputs)

    def read(self, call: Call, inputs: Properties, state: Properties) -> Reading | None:
        """There is nothing to look at: what is recorded is what is."""
        return Reading(call.id, hide(self.inputs, state), hide(self.inputs, inputs))

    def update(self, call: Call, old_inputs: Properties, state: Properties, new: Properties) -> Properties:
        """Run it again; in a preview, what it printed last is unknown as soon as an input differs."""
        if call.preview:
            kept = {name: state[name] for name in self.computed if name in state}
            if any(self._differs(item.name, state, new) for item in self.inputs):
                kept = dict.fromkeys(self.computed, UNKNOWN)
            return hide(self.inputs, new | kept)
        return hide(self.inputs, self.run_update(call, state, new))

    def delete(self, call: Call, old_inputs: Properties, state: Properties) -> None:
        """Run what is to run on deletion."""
        self.run_delete(call, state)

    @staticmethod
    def _differs(name: str, state: Properties, new: Properties) -> bool:
        return is_unknown(new.get(name)) or (name in state and not equal(state[name], new.get(name)))
