"""The stack's configuration as the engine hands it over, into `Settings`."""

from __future__ import annotations

from pathlib import Path

import pulumi
from pulumi.runtime import config

from components.settings import Settings, SettingsError, load


def read() -> Settings:
    """The checked settings of the stack being run.

    Raises RunError with all that is wrong, as plain lines: the engine shows them without a traceback.
    """
    # `pulumi.Config` gives a key at a time; a mistyped key is found only in the whole.
    values = {**config.get_config_env(), **config.CONFIG.get()}
    plaintext = [key for key in values if not _is_secret(key)]
    try:
        return load(values, pulumi.get_stack(), plaintext=plaintext, project=Path.cwd())
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None


def _is_secret(key: str) -> bool:
    return config.is_config_secret(key) or key in config.get_config_secret_keys_env()
