"""What all resources of the plugin share: checking, planning and refreshing by their fields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from localcloud.plugins.base.diff import Difference
from localcloud.plugins.base.errors import Cancelled, PartialFailure, ProviderError
from localcloud.plugins.base.naming import Autonaming, unique_name
from localcloud.plugins.base.operations import Call, Checked, Failure, Reading
from localcloud.plugins.base.values import UNKNOWN, Properties, Secret, is_unknown
from localcloud.plugins.hcloud.api import Api
from localcloud.plugins.hcloud.schema import Field

DEFAULTS = "__defaults"
"""Names of the inputs that the program did not give: so the bridge tells an autoname from a chosen name."""

_OPERATION_SECONDS = 20 * 60.0

Connect = Callable[[Call], Api]
Made = Callable[[str], None]
"""Called with the id as soon as the resource exists, so that a later failure does not lose it."""


class CloudResource(ABC):
    """One type. Subclasses say ``token`` and ``fields`` and how the API makes, shows, changes and takes it away."""

    token: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]]
    framework: ClassVar[bool] = False
    """Whether the provider has it on the newer plugin framework, whose defaults do not appear among the inputs."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._by_name = {field.name: field for field in self.fields}

    create_seconds: ClassVar[float] = _OPERATION_SECONDS
    """How long a creation may take unless the program says otherwise."""

    # For subclasses.

    def validate(self, inputs: Properties) -> list[Failure]:
        """What is wrong with the inputs together; each known by itself to be right."""
        return []

    def adjust(self, difference: Difference, state: Properties, planned: Properties) -> None:
        """Change a difference where the provider customises its plans; raises ProviderError for an impossible one."""
        return

    @abstractmethod
    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        """Create it, calling ``made`` with its id."""

    @abstractmethod
    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        """Id and properties that the API tells; None when it is gone."""

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        """Bring about the ``changed`` properties; ``new`` is the planned state. Resources that every
        change replaces have none."""
        raise ProviderError(f"{self.token} cannot be changed, only made anew: {', '.join(sorted(changed))}")

    @abstractmethod
    def remove(self, api: Api, id: str, state: Properties) -> None:
        """Delete it."""

    # The operations.

    def check(
        self, call: Call, old: Properties, new: Properties, seed: bytes, autonaming: Autonaming | None
    ) -> Checked:
        """Coerce, name, complete and validate."""
        inputs: Properties = {}
        failures: list[Failure] = []
        defaulted: list[str] = []
        for name in new:
            if not name.startswith("__") and (name not in self._by_name or self._by_name[name].output):
                failures.append(Failure(name, f"unsupported argument: {self.token} has no input {name!r}"))
        for field in self.fields:
            if field.output:
                continue
            try:
                value = field.coerce(new.get(field.name))
            except ValueError as error:
                failures.append(Failure(field.name, str(error)))
                continue
            if value is None:
                value = self._default(call, field, old, seed, autonaming)
                if value is not None:
                    defaulted.append(field.name)
            if value is None and field.required:
                failures.append(Failure(field.name, f"missing required argument: {field.name} must be set"))
            elif value is not None:
                if problem := field.problem(value):
                    failures.append(Failure(field.name, problem))
                inputs[field.name] = value
        if not failures:
            failures = self.validate(inputs)
        inputs[DEFAULTS] = sorted(defaulted)
        return Checked(inputs, failures)

    def diff(self, call: Call, old_inputs: Properties, state: Properties, new: Properties) -> Difference:
        """Compare the state with what is wanted, so that what changed behind the program's back shows up."""
        difference = Difference()
        for field in self.fields:
            if field.output:
                continue
            changes = field.changes(state.get(field.name), new.get(field.name))
            difference.changes |= changes
            if field.replace:
                difference.replaces |= set(changes)
        self.adjust(difference, state, self._plan(state, new, bool(difference.changes)))
        difference.delete_before_replace = bool(difference.replaces) and self._name_is_taken(state, new)
        return difference

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Make it and read it back."""
        planned = self._plan({}, inputs, True)
        if call.preview:
            return "", self._hide(planned)
        call.timeout = call.timeout or self.create_seconds
        api, ids = self._connect(call), list[str]()
        try:
            self.make(api, inputs, ids.append)
            seen = self.look(api, ids[-1], planned)
            if seen is None:
                raise ProviderError(f"{self.token} {ids[-1]} vanished right after it was created")
        except ProviderError as error:
            if not ids:
                raise
            raise self._partial(api, error, ids[-1], planned, inputs) from error
        return seen[0], self._hide(self._known(planned) | seen[1])

    def read(self, call: Call, inputs: Properties, state: Properties) -> Reading | None:
        """Refresh, or import."""
        seen = self.look(self._connect(call), call.id, state)
        if seen is None:
            return None
        id, attributes = seen
        outputs = state | attributes
        found = self._inputs_of(attributes) if not inputs else self._refreshed(inputs, attributes)
        return Reading(id, self._hide(outputs), found)

    def update(self, call: Call, old_inputs: Properties, state: Properties, new: Properties) -> Properties:
        """Change what differs and read it back."""
        call.timeout = call.timeout or _OPERATION_SECONDS
        changed = self.diff(call, old_inputs, state, new).roots()
        planned = self._plan(state, new, bool(changed))
        if call.preview:
            return self._hide(planned)
        api = self._connect(call)
        try:
            self.change(api, call.id, state, planned, changed)
            seen = self.look(api, call.id, planned)
        except ProviderError as error:
            raise self._partial(api, error, call.id, state, new) from error
        if seen is None:
            raise ProviderError(f"{self.token} {call.id} is gone: run `pulumi refresh`, then `pulumi up` makes it anew")
        return self._hide(self._known(planned) | seen[1])

    def delete(self, call: Call, old_inputs: Properties, state: Properties) -> None:
        """Take it away."""
        call.timeout = call.timeout or _OPERATION_SECONDS
        self.remove(self._connect(call), call.id, state)

    # Helpers.

    def _default(
        self, call: Call, field: Field, old: Properties, seed: bytes, autonaming: Autonaming | None
    ) -> object | None:
        if field.name == "name":
            return self._autoname(call, old, seed, autonaming)
        return None if self.framework else field.default

    def _autoname(self, call: Call, old: Properties, seed: bytes, autonaming: Autonaming | None) -> str | None:
        if old.get("name") and "name" in (old.get(DEFAULTS) or []):
            return str(old["name"])
        if autonaming and autonaming.mode == "disable":
            return None
        if autonaming and autonaming.proposed:
            return autonaming.proposed
        return unique_name(call.name, seed)

    def _name_is_taken(self, state: Properties, new: Properties) -> bool:
        """Whether the replacement would have the very name of the old one, which the API refuses."""
        chosen = "name" in self._by_name and "name" not in (new.get(DEFAULTS) or [])
        return chosen and new.get("name") == state.get("name")

    def _plan(self, state: Properties, new: Properties, changing: bool) -> Properties:
        """The state that the inputs would lead to, UNKNOWN where only the API can say."""
        planned: Properties = {}
        for field in self.fields:
            value = None if field.output else new.get(field.name)
            if value is None and (field.output or field.computed):
                value = UNKNOWN if not state or (field.unstable and changing) else state.get(field.name)
            elif value is None:
                value = field.default
            elif field.stored is not None and not is_unknown(value) and value != state.get(field.name):
                value = field.stored(value)
            if value is not None:
                planned[field.name] = value
        return planned

    @staticmethod
    def _known(planned: Properties) -> Properties:
        return {name: value for name, value in planned.items() if not is_unknown(value)}

    def _hide(self, outputs: Properties) -> Properties:
        secret = {field.name for field in self.fields if field.secret}
        return {
            name: Secret(value) if name in secret and value is not None else value for name, value in outputs.items()
        }

    def _refreshed(self, inputs: Properties, attributes: Properties) -> Properties:
        """Stored inputs, those that drifted replaced by what is."""
        found: Properties = {}
        for name, value in inputs.items():
            field = self._by_name.get(name)
            if field is None or name not in attributes or not field.changes(attributes[name], value):
                found[name] = value
            elif attributes[name] is not None:
                found[name] = attributes[name]
        return found

    def _inputs_of(self, attributes: Properties) -> Properties:
        """Inputs for something imported: everything that is not a default."""
        found: Properties = {DEFAULTS: []}
        for field in self.fields:
            value = attributes.get(field.name)
            plain = field.changes(None, value) or field.required
            if not field.output and value is not None and plain:
                found[field.name] = value
        return found

    def _partial(
        self, api: Api, error: ProviderError, id: str, planned: Properties, inputs: Properties
    ) -> PartialFailure:
        outputs = self._known(planned)
        if not isinstance(error, Cancelled):
            try:
                seen = self.look(api, id, outputs)
                outputs |= seen[1] if seen else {}
            except ProviderError:
                pass  # the first error is the one to tell
        return PartialFailure(str(error), id, self._hide(outputs), inputs)
