"""What a resource and a function of a plugin are asked, in plain Python values.

:class:`Resource` is the contract between the protocol's server and the resources of the plugins.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from localcloud.plugins.base.diff import Difference
from localcloud.plugins.base.errors import Cancelled, ProviderError
from localcloud.plugins.base.naming import Autonaming, urn_name
from localcloud.plugins.base.values import Properties

Log = Callable[[str, str], None]
"""Shows a line beside the resource: severity (debug, info, warning, error) and text."""


@dataclass
class Call:
    """One operation on one resource. ``timeout`` in seconds, 0 for the provider's own."""

    urn: str = ""
    id: str = ""
    preview: bool = False
    timeout: float = 0
    log: Log = lambda severity, message: None
    status: Log = lambda severity, message: None
    cancelled: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.monotonic)

    @property
    def name(self) -> str:
        """The name that the program gave the resource."""
        return urn_name(self.urn)

    def pause(self, seconds: float) -> None:
        """Wait between two tries; raises when the engine cancels or the operation's time is up."""
        if self.timeout:
            left = self.started + self.timeout - time.monotonic()
            if left <= 0:
                raise ProviderError(f"timed out after {self.timeout:g} s")
            seconds = min(seconds, left)
        if self.cancelled.wait(seconds):
            raise Cancelled("cancelled")


@dataclass(frozen=True)
class Failure:
    """An input that cannot be: ``property`` may be empty for the resource as a whole."""

    property: str
    reason: str


@dataclass
class Checked:
    """Inputs as they are to be stored, with defaults, and what is wrong with them."""

    inputs: Properties
    failures: list[Failure] = field(default_factory=list)


@dataclass
class Reading:
    """A resource as it is now. ``inputs`` are the ones that would make it so."""

    id: str
    outputs: Properties
    inputs: Properties


class Resource(Protocol):
    """One resource type. Operations raise ProviderError, or PartialFailure once there is something to record."""

    def check(
        self, call: Call, old: Properties, new: Properties, seed: bytes, autonaming: Autonaming | None
    ) -> Checked:
        """Complete and validate inputs; ``old`` are the last stored ones (empty for a new resource)."""
        ...

    def diff(self, call: Call, old_inputs: Properties, state: Properties, new: Properties) -> Difference:
        """What would change."""
        ...

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Make it; id and outputs. In a preview, only what can be said before."""
        ...

    def read(self, call: Call, inputs: Properties, state: Properties) -> Reading | None:
        """Look at it; None when it is gone. Without inputs and state it is an import."""
        ...

    def update(self, call: Call, old_inputs: Properties, state: Properties, new: Properties) -> Properties:
        """Change it; outputs."""
        ...

    def delete(self, call: Call, old_inputs: Properties, state: Properties) -> None:
        """Take it away; one that is gone already is fine."""
        ...


class Function(Protocol):
    """A function of the provider (``invoke``)."""

    def __call__(self, call: Call, args: Properties) -> Properties:
        """Its result; raises ProviderError."""
        ...
