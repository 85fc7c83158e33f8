"""The look at Cloudflare, alone and as a part of the whole program."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest

from components import preflight
from components.settings import Settings, load
from tests.unit.cloudflare_account import Account
from tests.unit.configurations import ALL_SECRETS, configuration
from tests.unit.monitor import Recording, recorded, run_program


def settings(environment: str, release: Path, changes: dict[str, str] | None = None) -> Settings:
    return load(configuration(environment, release) | (changes or {}), environment)


def look(environment: str, release: Path, cloudflare: Account, changes: dict[str, str] | None = None) -> Recording:
    """The preflight alone."""
    chosen = settings(environment, release, changes)
    return recorded(lambda: preflight.run(chosen), stack=environment, cloudflare=cloudflare)


def refusal(environment: str, release: Path, cloudflare: Account, changes: dict[str, str] | None = None) -> str:
    """What the whole program says; that it declares nothing is a part of it."""
    recording = Recording()
    values = configuration(environment, release) | (changes or {})
    with pytest.raises(pulumi.RunError) as caught:
        run_program(values, secret_keys=ALL_SECRETS, stack=environment, into=recording, cloudflare=cloudflare)
    assert recording.resources == [], "half of a stack has to be cleaned up by hand"
    return str(caught.value)
