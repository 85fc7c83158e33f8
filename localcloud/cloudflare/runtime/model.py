"""What the runtime is told to run: versions of Workers, with their modules, bindings and assets.

Bindings keep the form that the Workers API gives them (``{"type": "plain_text", "name": ..., "text": ...}``), so that
whoever stores them need not translate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict

Binding = Mapping[str, Any]


class RuntimeFailure(Exception):
    """A Worker that workerd does not run; the message is workerd's own, fit for the user."""


class ResourceLimit(RuntimeFailure):
    """workerd was ended in the middle of a request, because a Worker took too much of what all of them share."""


@dataclass(frozen=True)
class Module:
    """One file of a Worker; ``content_type`` as in its upload (``application/javascript+module``…)."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class AssetFile:
    """A static file: where its bytes are, and the tag that changes with them."""

    path: Path
    content_type: str
    etag: str


@dataclass(frozen=True)
class Assets:
    """A version's static files by URL path (``/index.html``), and the ``config`` of its upload.

    ``config`` holds ``html_handling``, ``not_found_handling``, ``run_worker_first`` (bool or patterns),
    ``_headers`` and ``_redirects`` (the files' text).
    """

    files: Mapping[str, AssetFile]
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Version:
    """An immutable version of a Worker. ``created_on`` is RFC 3339; without modules it has assets alone."""

    id: str
    worker: str
    main_module: str = ""
    modules: tuple[Module, ...] = ()
    bindings: tuple[Binding, ...] = ()
    compatibility_date: str = "2025-01-01"
    compatibility_flags: tuple[str, ...] = ()
    assets: Assets | None = None
    tag: str = ""
    created_on: str = ""


@dataclass(frozen=True)
class Program:
    """Everything that runs at one time. ``primary`` names, for each Worker, the version that service bindings reach.

    ``scheduled``: the Workers whose ``scheduled`` handler is run.
    """

    versions: tuple[Version, ...] = ()
    primary: Mapping[str, str] = field(default_factory=dict)
    scheduled: tuple[str, ...] = ()
