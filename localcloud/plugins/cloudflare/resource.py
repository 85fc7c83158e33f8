"""The operations of a resource by its description. Special resources replace a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import urlencode

from localcloud.plugins.base.diff import Difference
from localcloud.plugins.base.diff import Kind as ChangeKind
from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.naming import Autonaming
from localcloud.plugins.base.operations import Call, Checked, Failure, Reading
from localcloud.plugins.base.values import UNKNOWN, Properties, Secret, Value, is_unknown
from localcloud.plugins.cloudflare.client import Answer, Api, encoded
from localcloud.plugins.cloudflare.naming import wire
from localcloud.plugins.cloudflare.plan import Comparison, keep, restrict
from localcloud.plugins.cloudflare.rest import STEP, Rest, parse_id
from localcloud.plugins.cloudflare.shape import coerce, receive_object, send
from localcloud.plugins.cloudflare.tables import fields, table

DEFAULTS = "__defaults"
"""Names of the inputs that an import filled in: a program that does not say them takes nothing away."""

Connect = Callable[[Call], Api]


class CloudflareResource:
    """One type, by its description."""

    rest: ClassVar[Rest]

    def __init__(self, connect: Connect, rest: Rest | None = None) -> None:
        self._connect = connect
        self.about = rest or self.rest
        found = table(self.about.name)
        self.properties, self._secrets = found.properties, found.secrets
        self.item = self.about.item or self.about.collection + "/{id}"
        self._compare = Comparison(self.about.unordered, self.about.same)

    # Steps that special resources replace.

    def validate(self, inputs: Properties) -> list[Failure]:
        """What is wrong with the inputs together; each known by itself to be right."""
        return []

    def prepare(self, inputs: Properties) -> Properties:
        """Inputs as they are compared and kept, made of those that the program gave."""
        return inputs

    def body(self, inputs: Properties) -> Any:
        """What a request's body says of the properties."""
        return {self._wire(name): self._send(name, value) for name, value in inputs.items() if self._sent(name)}

    def make(self, api: Api, inputs: Properties) -> tuple[str, Properties]:
        """Create it; id and what the answer tells."""
        path = self.path(self.about.collection, "", inputs)
        asked = {self._wire(name): str(inputs[name]).lower() for name in self.about.query if inputs.get(name)}
        path += "?" + urlencode(asked) if asked else ""
        answer = api.ask(self.about.create, path, self.body(inputs), headers=self._headers(inputs))
        return self._made(answer, inputs)

    def look(self, api: Api, id: str, state: Properties) -> Properties | None:
        """What the API tells of it; None when it is gone."""
        answer = api.find(self.path(self.item, id, state), self._headers(state))
        return None if answer is None else self.told(answer.result, state)

    def change(self, api: Api, id: str, state: Properties, planned: Properties, changed: set[str]) -> Properties:
        """Bring the planned properties about, the program's and the provider's own; what the answer tells."""
        method = self.about.update
        if method is None:  # nothing of it is at the API
            return {}
        body = self.body(planned)
        if method == "PATCH" and isinstance(body, dict):
            body = self._changed(body, self.body(state), {self._wire(name) for name in changed})
        answer = api.ask(method, self.path(self.item, id, planned), body, headers=self._headers(planned))
        return self.told(answer.result, planned)

    def remove(self, api: Api, id: str, state: Properties) -> None:
        """Delete it. What is gone already is an error, as with the provider."""
        if self.about.delete:
            api.ask("DELETE", self.path(self.item, id, state), headers=self._headers(state))

    def told(self, result: Any, known: Properties) -> Properties:
        """An answer's result as properties."""
        if isinstance(result, dict) and self.about.outer:
            result = result.get(self.about.outer)
        if not isinstance(result, dict):
            return {}
        renamed = {self._name_of(name): value for name, value in result.items()}
        found = receive_object(self.about.name, self.properties, renamed)
        for name, members in self.about.kept.items():
            keep(found.get(name), known.get(name), members)
        # The path's own properties are what the resource was found by.
        return {name: value for name, value in found.items() if name not in self._parts or known.get(name) is None}

    def replaces(self, name: str) -> bool:
        """Whether a change of a property needs a new resource."""
        return self.about.replace == "all" or name in self.about.replace

    # The operations.

    def check(
        self, call: Call, old: Properties, new: Properties, seed: bytes, autonaming: Autonaming | None
    ) -> Checked:
        """Coerce and validate."""
        inputs: Properties = {}
        failures: list[Failure] = []
        for name, value in new.items():
            known = self.properties.get(name)
            if name.startswith("__") or value is None:
                continue
            if known is None or known.output:
                failures.append(Failure(name, f"unsupported argument: {self.about.name} has no input {name!r}"))
                continue
            try:
                inputs[name] = coerce(known.kind, value)
            except ValueError as error:
                failures.append(Failure(name, str(error)))
        for name, known in self.properties.items():
            if known.required and new.get(name) is None:
                failures.append(Failure(name, f"missing required argument: {name} must be set"))
        if "{scope}" in self.about.collection and ("accountId" in inputs) == ("zoneId" in inputs):
            failures.append(Failure("accountId", "exactly one of accountId and zoneId must be set"))
        return Checked(inputs, failures or self.validate(inputs))

    def diff(self, call: Call, old_inputs: Properties, state: Properties, new: Properties) -> Difference:
        """Compare the state with what is wanted, so that what changed behind the program's back shows up."""
        difference = Difference()
        new, old_inputs = self.prepare(new), self._prepared(old_inputs)
        for name, known in self.properties.items():
            if not known.output:
                changes = self._changes(name, known.kind, old_inputs, state, new)
                difference.changes |= changes
                if self.replaces(name):
                    difference.replaces |= set(changes)
        return difference

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Make it."""
        planned = self._planned({}, {}, self.prepare(inputs))
        if call.preview:
            unknown = {name: UNKNOWN for name in self.properties if name not in planned}
            return "", self._hide(unknown | planned)
        id, told = self.make(self._connect(call), planned)
        return id, self._hide(self._settled(told, planned))

    def read(self, call: Call, inputs: Properties, state: Properties) -> Reading | None:
        """Refresh, or import by an id that holds the path's properties too."""
        id, known = call.id, state
        if not state and not inputs:
            id, known = parse_id(self.about, call.id)
        told = self.look(self._connect(call), id, known)
        if told is None:
            return None
        outputs = {name: value for name, value in (known | told).items() if value is not None}
        found = self._refreshed(inputs, outputs) if inputs else self._inputs_of(outputs)
        return Reading(id, self._hide(outputs), found)

    def update(self, call: Call, old_inputs: Properties, state: Properties, new: Properties) -> Properties:
        """Change it."""
        changed = self.diff(call, old_inputs, state, new).roots()
        before, new = self._prepared(old_inputs), self.prepare(new)
        planned = self._planned(before, state, new)
        if call.preview:
            outputs = {name for name, known in self.properties.items() if known.output} - self.about.stable
            return self._hide(planned | dict.fromkeys(outputs, UNKNOWN))
        # What the API filled in is not sent back: it may follow from what changes.
        told = self.change(self._connect(call), call.id, state, self._planned(before, {}, new), changed)
        return self._hide(self._settled(told, planned))

    def delete(self, call: Call, old_inputs: Properties, state: Properties) -> None:
        """Take it away."""
        self.remove(self._connect(call), call.id, state)

    # Helpers.

    def _prepared(self, old: Properties) -> Properties:
        """Former inputs of the program's own; their files need not be there any more."""
        filled = old.get(DEFAULTS) or []
        old = {name: value for name, value in old.items() if name not in filled}
        try:
            return self.prepare(old)
        except ProviderError:
            return old

    def path(self, template: str, id: str, properties: Properties) -> str:
        """A path with its properties filled in."""
        template = template.replace("{scope}", "zones/{zoneId}" if properties.get("zoneId") else "accounts/{accountId}")
        values = {**properties, "id": id}
        return STEP.sub(lambda match: encoded(values[match.group(1)]), template)

    @property
    def _parts(self) -> set[str]:
        """Properties in the paths."""
        steps = set(STEP.findall(self.about.collection + self.item)) - {"id"}
        return steps - {"scope"} | {"accountId", "zoneId"} if "scope" in steps else steps

    def _wire(self, name: str) -> str:
        return self.about.names.get(name) or wire(self.about.name, name)

    def _name_of(self, written: str) -> str:
        return next((name for name, other in self.about.names.items() if other == written), written)

    def _send(self, name: str, value: Value) -> Any:
        return send(self.properties[name].kind, value, self.about.texts, name)

    def _sent(self, name: str) -> bool:
        known = self.properties.get(name)
        steps = set(STEP.findall(self.about.collection))
        apart = steps | ({"accountId", "zoneId"} if "scope" in steps else set()) | self.about.unsent | self.about.query
        return known is not None and not known.output and name not in apart

    def _headers(self, properties: Properties) -> dict[str, str]:
        return self.about.headers(properties) if self.about.headers else {}

    def _made(self, answer: Answer, inputs: Properties) -> tuple[str, Properties]:
        key = self.about.id
        told = self.told(answer.result, inputs)
        id = inputs.get(key) or told.get(key)
        if id is None and isinstance(answer.result, dict):
            id = (answer.result.get(self.about.outer) or answer.result if self.about.outer else answer.result).get(key)
        if not id:
            raise ProviderError(f"the API's answer to the making of {self.about.name} has no {key}: {answer.content!r}")
        return str(id), told

    def _changes(
        self, name: str, kind: str, old: Properties, state: Properties, new: Properties
    ) -> dict[str, ChangeKind]:
        value, default = new.get(name), self.about.defaults.get(name)
        if value is None:
            value = default
        if value is None and old.get(name) is None and name not in self.about.plain:
            return {}
        if state.get(name) is None and default is not None and value == default:
            return {}
        return self._compare.changes(name, kind, state.get(name), value, old.get(name))

    def _planned(self, old: Properties, state: Properties, new: Properties) -> Properties:
        """Inputs with what the provider fills in; what the API filled in before stays as it is."""
        planned: Properties = {}
        for name, known in self.properties.items():
            value = None if known.output else new.get(name)
            if value is None:
                value = self.about.defaults.get(name)
            if value is None and (known.output or (old.get(name) is None and name not in self.about.plain)):
                value = state.get(name)
            if value is not None:
                planned[name] = value
        return planned

    def _settled(self, told: Properties, planned: Properties) -> Properties:
        merged = dict(planned)
        for name, value in told.items():
            known = self.properties[name]
            result = value if known.output else self._compare.overlay(name, known.kind, value, planned.get(name))
            if result is not None:
                merged[name] = result
        return {name: value for name, value in merged.items() if not is_unknown(value)}

    def _hide(self, outputs: Properties) -> Properties:
        return {name: Secret(value) if name in self._secrets else value for name, value in outputs.items()}

    def _refreshed(self, inputs: Properties, outputs: Properties) -> Properties:
        found: Properties = {}
        for name, value in inputs.items():
            known = self.properties.get(name)
            if known is None or not self._compare.changes(name, known.kind, outputs.get(name), value, value):
                found[name] = value
            elif outputs.get(name) is not None:
                found[name] = restrict(known.kind, outputs[name], value)
        return found

    def _inputs_of(self, outputs: Properties) -> Properties:
        found = {
            name: restrict(self.properties[name].kind, value, None)
            for name, value in outputs.items()
            if not self.properties[name].output and value != [] and value != {}
        }
        return found | {DEFAULTS: sorted(name for name in found if not self.properties[name].required)}

    def _changed(self, body: Properties, before: Any, changed: set[str]) -> Properties:
        kinds = {self._wire(name): known.kind for name, known in self.properties.items()}
        cut: Properties = {}
        for name in changed:
            value, was = body.get(name), before.get(name) if isinstance(before, dict) else None
            if fields(kinds.get(name, "any")) is not None and isinstance(value, dict) and isinstance(was, dict):
                value = {key: one for key, one in value.items() if was.get(key) != one}
            cut[name] = value
        return cut
