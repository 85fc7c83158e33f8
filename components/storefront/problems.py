"""What of the storefront's settings cannot be declared, found before anything is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from components.settings.errors import Problem, shown
from components.storefront.bundle import read
from components.storefront.errors import BUILD, BundleError
from components.storefront.variables import wrong


class StorefrontSettings(Protocol):
    """The settings that are looked at."""

    @property
    def storefront_bundle(self) -> Path: ...
    @property
    def storefront_variables(self) -> Mapping[str, str]: ...
    @property
    def storefront_secrets(self) -> Mapping[str, SecretStr]: ...
    @property
    def workers_paid(self) -> bool: ...


def problems(settings: StorefrontSettings, stack: str, project: Path | None = None) -> Iterator[Problem]:
    """Each with the setting that it comes from. Paths are relative to `project`, by default the current folder.

    A raw bundle is composed on the way.
    """
    try:
        read(settings.storefront_bundle, paid=settings.workers_paid, project=project or Path.cwd())
    except BundleError as error:
        builds = error.fix.startswith(BUILD.partition(" --app ")[0])
        fix = f'pulumi config set storefrontBundle "$({error.fix})"' if builds else error.fix
        yield Problem("storefrontBundle", shown(error.value), error.rule, _for(fix, stack))
    for one in wrong(settings.storefront_variables, settings.storefront_secrets, paid=settings.workers_paid):
        key = "storefrontVariables" if one.plain else "storefrontSecrets"
        path = f"{key}.{one.name}" if one.name else key
        fix = f"pulumi config rm --path '{path}'"
        if one.plain and "secret" in one.rule and "among" not in one.rule:
            fix += f" && pulumi config set --secret --path 'storefrontSecrets.{one.name}'"
        yield Problem(path, None, one.rule, _for(fix, stack))


def _for(fix: str, stack: str) -> str:
    return " && ".join(
        f"{part} --stack {stack}" if part.startswith("pulumi config ") else part for part in fix.split(" && ")
    )
