"""Secrets on their way into a resource's inputs."""

from __future__ import annotations

import pulumi
from pydantic import SecretStr


def secret(value: SecretStr | str) -> pulumi.Output[str]:
    """An output that Pulumi encrypts in the state and never shows."""
    return pulumi.Output.secret(value.get_secret_value() if isinstance(value, SecretStr) else value)
