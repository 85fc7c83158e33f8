"""What the storefront's Worker is told in this stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import pulumi
from pydantic import SecretStr

from components.secrets import secret


class StorefrontSettings(Protocol):
    """The settings that variables and secrets come from."""

    @property
    def api_url(self) -> str: ...
    @property
    def images_url(self) -> str | None: ...
    @property
    def maintenance(self) -> str | None: ...
    @property
    def status_host(self) -> str: ...
    @property
    def storefront_variables(self) -> Mapping[str, str]: ...
    @property
    def storefront_secrets(self) -> Mapping[str, SecretStr]: ...
    @property
    def origin_secret(self) -> SecretStr: ...
    @property
    def pass_secret(self) -> SecretStr: ...
    @property
    def pass_secret_previous(self) -> SecretStr | None: ...


def variables(
    settings: StorefrontSettings, publishable_key: pulumi.Input[str | None]
) -> dict[str, pulumi.Input[str] | None]:
    """Plain variables by name; None is left out. `publishable_key`: the store API's key, no secret."""
    return {
        "IMAGES_URL": settings.images_url,
        "MAINTENANCE": settings.maintenance,
        "MEDUSA_BACKEND_URL": settings.api_url,
        "MEDUSA_PUBLISHABLE_KEY": pulumi.Output.from_input(publishable_key).apply(lambda key: key or ""),
        "STATUS_HOST": settings.status_host,
        **settings.storefront_variables,
    }


def secrets(settings: StorefrontSettings) -> dict[str, pulumi.Input[str]]:
    """Secrets by name."""
    ours = {
        "ORIGIN_SECRET": settings.origin_secret,
        "PASS_SECRET": settings.pass_secret,
        "PASS_SECRET_PREVIOUS": settings.pass_secret_previous,
    }
    every = {**ours, **settings.storefront_secrets}
    return {name: secret(value) for name, value in every.items() if value is not None}
