"""What of the storefront's bundle cannot be declared, found before anything is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from components.settings.errors import Problem, shown
from components.storefront.bundle import read
from components.storefront.errors import BUILD, BundleError


class StorefrontSettings(Protocol):
    """The settings that are looked at."""

    @property
    def storefront_bundle(self) -> Path: ...
    @property
    def workers_paid(self) -> bool: ...


def problems(settings: StorefrontSettings, stack: str, project: Path | None = None) -> Iterator[Problem]:
    """What is wrong with the bundle; `settings.edge_checks` looks at variables and secrets.

    Paths are relative to `project`, by default the current folder.
    A raw bundle is composed on the way.
    """
    try:
        read(settings.storefront_bundle, paid=settings.workers_paid, project=project or Path.cwd())
    except BundleError as error:
        builds = error.fix.startswith(BUILD.partition(" --app ")[0])
        fix = f'pulumi config set storefrontBundle "$({error.fix})"' if builds else error.fix
        yield Problem("storefrontBundle", shown(error.value), error.rule, _for(fix, stack))


def _for(fix: str, stack: str) -> str:
    return " && ".join(
        f"{part} --stack {stack}" if part.startswith("pulumi config ") else part for part in fix.split(" && ")
    )
