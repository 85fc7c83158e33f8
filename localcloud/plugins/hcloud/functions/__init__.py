"""The functions of the plugin (``get…``), by token."""

from __future__ import annotations

from collections.abc import Callable

from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api

CloudFunction = Callable[[Api, Properties], Properties]

FUNCTIONS: dict[str, CloudFunction] = {}
