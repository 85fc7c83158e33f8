"""The ``cloudflare`` plugin."""

from __future__ import annotations

from localcloud.plugins.base.engine import Engine
from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.operations import Call, Failure, Function
from localcloud.plugins.base.provider import Provider
from localcloud.plugins.base.values import Properties
from localcloud.plugins.cloudflare import config as configuration
from localcloud.plugins.cloudflare.client import Api
from localcloud.plugins.cloudflare.document import document
from localcloud.plugins.cloudflare.functions import FUNCTIONS, CloudflareFunction
from localcloud.plugins.cloudflare.resources import make_all
from localcloud.plugins.cloudflare.tables import token


class CloudflareProvider(Provider):
    """Cloudflare on this machine."""

    name = "cloudflare"
    version = "6.23.1"

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._config: configuration.Config | None = None
        self.resources = {token(resource.about.name): resource for resource in make_all(self.connect)}
        self.functions = {
            f"cloudflare:index/{name}:{name}": self._function(function) for name, function in FUNCTIONS.items()
        }

    def check_config(self, config: Properties) -> list[Failure]:
        return configuration.read(config)[1]

    def configure(self, config: Properties) -> None:
        self._config, failures = configuration.read(config)
        if failures:
            raise ProviderError("; ".join(failure.reason for failure in failures))

    def schema(self) -> Properties:
        return document(make_all(self.connect))

    def connect(self, call: Call) -> Api:
        """The API for one operation."""
        if self._config is None:
            raise ProviderError("the cloudflare provider is not configured")
        return Api(self._config.endpoint, self._config.headers, call)

    def _function(self, function: CloudflareFunction) -> Function:
        return lambda call, args: function(self.connect(call), args)


def make(engine: Engine) -> CloudflareProvider:
    """The plugin, not configured yet."""
    return CloudflareProvider(engine)
