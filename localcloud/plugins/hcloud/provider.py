"""The ``hcloud`` plugin."""

from __future__ import annotations

from localcloud.plugins.base.engine import Engine
from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.operations import Call, Failure, Function
from localcloud.plugins.base.provider import Provider
from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud import config as configuration
from localcloud.plugins.hcloud.api import Api
from localcloud.plugins.hcloud.document import document
from localcloud.plugins.hcloud.functions import FUNCTIONS
from localcloud.plugins.hcloud.functions.lookup import CloudFunction
from localcloud.plugins.hcloud.resources import RESOURCES


class HcloudProvider(Provider):
    """Hetzner Cloud on this machine."""

    name = "hcloud"
    version = "1.43.3"

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._config: configuration.Config | None = None
        self.resources = {kind.token: kind(self.connect) for kind in RESOURCES}
        self.functions = {token: self._function(function) for token, function in FUNCTIONS.items()}

    def check_config(self, config: Properties) -> list[Failure]:
        return configuration.read(config)[1]

    def configure(self, config: Properties) -> None:
        self._config, failures = configuration.read(config)
        if failures:
            raise ProviderError("; ".join(failure.reason for failure in failures))

    def schema(self) -> Properties:
        return document(RESOURCES)

    def connect(self, call: Call) -> Api:
        """The API for one operation."""
        if self._config is None:
            raise ProviderError("the hcloud provider is not configured")
        return Api(self._config.endpoint, self._config.token, self._config.poll, call)

    def _function(self, function: CloudFunction) -> Function:
        return lambda call, args: function(self.connect(call), args)


def make(engine: Engine) -> HcloudProvider:
    """The plugin, not configured yet."""
    return HcloudProvider(engine)
