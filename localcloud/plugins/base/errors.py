"""What goes wrong in a provider's operation, in the words that the user is to read."""

from __future__ import annotations

from localcloud.plugins.base.values import Properties

NOT_RUNNING = "is the cloud running? Start it in the checkout: python -m localcloud start"


class ProviderError(Exception):
    """An operation failed; the message is shown as it is."""


class Cancelled(ProviderError):
    """The engine asked to stop while an operation was waiting."""


class NotKnown(ProviderError):
    """A type or function that this plugin does not have."""


class PartialFailure(ProviderError):
    """A resource was made or changed, and then something failed: the engine records it with its id and state."""

    def __init__(self, message: str, id: str, outputs: Properties, inputs: Properties) -> None:
        super().__init__(message)
        self.id = id
        self.outputs = outputs
        self.inputs = inputs
