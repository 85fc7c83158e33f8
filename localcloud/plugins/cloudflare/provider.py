"""The ``cloudflare`` plugin."""

from __future__ import annotations

from localcloud.plugins.base.configured import ConfiguredProvider
from localcloud.plugins.base.engine import Engine
from localcloud.plugins.base.operations import Call, Failure
from localcloud.plugins.base.values import Properties
from localcloud.plugins.cloudflare.client import Api
from localcloud.plugins.cloudflare.config import Config, read
from localcloud.plugins.cloudflare.document import document
from localcloud.plugins.cloudflare.functions import FUNCTIONS
from localcloud.plugins.cloudflare.resources import make_all
from localcloud.plugins.cloudflare.tables import token


class CloudflareProvider(ConfiguredProvider[Config, Api]):
    """Cloudflare on this machine."""

    name = "cloudflare"
    version = "6.23.1"

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.resources = {token(resource.about.name): resource for resource in make_all(self.connect)}
        self.functions = {
            f"cloudflare:index/{name}:{name}": self.asking(function) for name, function in FUNCTIONS.items()
        }

    def read_config(self, config: Properties) -> tuple[Config, list[Failure]]:
        return read(config)

    def api(self, config: Config, call: Call) -> Api:
        return Api(config.endpoint, config.headers, call)

    def schema(self) -> Properties:
        return document(make_all(self.connect))


def make(engine: Engine) -> CloudflareProvider:
    """The plugin, not configured yet."""
    return CloudflareProvider(engine)
