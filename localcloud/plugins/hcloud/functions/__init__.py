"""The functions of the plugin (``get…``), by token."""

from __future__ import annotations

from localcloud.plugins.hcloud.functions import catalogue, existing
from localcloud.plugins.hcloud.functions.lookup import CloudFunction

FUNCTIONS: dict[str, CloudFunction] = catalogue.FUNCTIONS | existing.FUNCTIONS
