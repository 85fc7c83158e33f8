"""The ``hcloud`` plugin."""

from __future__ import annotations

from localcloud.plugins.base.configured import ConfiguredProvider
from localcloud.plugins.base.engine import Engine
from localcloud.plugins.base.operations import Call, Failure
from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api
from localcloud.plugins.hcloud.config import Config, read
from localcloud.plugins.hcloud.document import document
from localcloud.plugins.hcloud.functions import FUNCTIONS
from localcloud.plugins.hcloud.resources import RESOURCES


class HcloudProvider(ConfiguredProvider[Config, Api]):
    """Hetzner Cloud on this machine."""

    name = "hcloud"
    version = "1.43.3"

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.resources = {kind.token: kind(self.connect) for kind in RESOURCES}
        self.functions = {token: self.asking(function) for token, function in FUNCTIONS.items()}

    def read_config(self, config: Properties) -> tuple[Config, list[Failure]]:
        return read(config)

    def api(self, config: Config, call: Call) -> Api:
        return Api(config.endpoint, config.token, config.poll, call)

    def schema(self) -> Properties:
        return document(RESOURCES)


def make(engine: Engine) -> HcloudProvider:
    """The plugin, not configured yet."""
    return HcloudProvider(engine)
