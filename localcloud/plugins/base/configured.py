"""A provider of an API, which its configuration leads to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

from localcloud.plugins.base.engine import Engine
from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.operations import Call, Failure, Function
from localcloud.plugins.base.provider import Provider
from localcloud.plugins.base.values import Properties

Config = TypeVar("Config")
Api = TypeVar("Api")


class ConfiguredProvider(Provider, ABC, Generic[Config, Api]):
    """A plugin whose resources and functions ask an API. Subclasses read the configuration and make the API of it."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._config: Config | None = None

    @abstractmethod
    def read_config(self, config: Properties) -> tuple[Config, list[Failure]]:
        """The configuration and everything that is wrong with it; what is unknown yet is taken to be right."""

    @abstractmethod
    def api(self, config: Config, call: Call) -> Api:
        """The API for one operation."""

    def check_config(self, config: Properties) -> list[Failure]:
        return self.read_config(config)[1]

    def configure(self, config: Properties) -> None:
        self._config, failures = self.read_config(config)
        if failures:
            raise ProviderError("; ".join(failure.reason for failure in failures))

    def connect(self, call: Call) -> Api:
        """The API for one operation; raises ProviderError before the provider is configured."""
        if self._config is None:
            raise ProviderError(f"the {self.name} provider is not configured")
        return self.api(self._config, call)

    def asking(self, function: Callable[[Api, Properties], Properties]) -> Function:
        """A function of the provider, made of one that asks the API."""
        return lambda call, args: function(self.connect(call), args)
