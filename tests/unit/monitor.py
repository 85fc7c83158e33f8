"""The program under mocks: every resource is recorded as the engine would be told of it, and nothing is created.

`run_program` runs `__main__.py` with a configuration; `recorded` runs any function that declares resources. Both
return a `Recording`: registrations with inputs (secrets marked), parent, protect, ignoreChanges, dependencies.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import runpy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime import reset_options, rpc, set_all_config
from pulumi.runtime.settings import ROOT
from pulumi.runtime.stack import run_in_stack

from tests.unit.cloud import Cloud

PROJECT_FOLDER = Path(__file__).parents[2]
PROJECT = "opticworks-store"


@dataclass(frozen=True)
class Secret:
    """A value that was marked secret on its way to the engine."""

    value: Any


@dataclass(frozen=True)
class Registered:
    """One resource as the engine would be told of it."""

    type: str
    name: str
    urn: str
    parent: str
    custom: bool
    protect: bool | None
    inputs: dict[str, Any]
    ignore_changes: tuple[str, ...]
    dependencies: tuple[str, ...]
    delete_before_replace: bool
    replacement_trigger: Any
    on_error: tuple[str, ...]
    timeouts: dict[str, str]
    aliases: tuple[str, ...]
    retain_on_delete: bool
    secret_outputs: tuple[str, ...]
    replace_on_changes: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Last part of the type: Server, LoadBalancerTarget."""
        return self.type.rsplit(":", 1)[-1]


@dataclass
class Recording:
    resources: list[Registered] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def of(self, kind: str) -> list[Registered]:
        """Resources of that kind (last part of the type), in the order of registration."""
        return [resource for resource in self.resources if resource.kind == kind]

    def named(self, name: str) -> Registered:
        found = [resource for resource in self.resources if resource.name == name]
        assert len(found) == 1, f"{len(found)} resources are named {name}"
        return found[0]

    def by_urn(self, urn: str) -> Registered:
        return next(resource for resource in self.resources if resource.urn == urn)


class RecordingMonitor(pulumi_mocks.MockMonitor):
    """Sees what `Mocks.new_resource` is not told: parent, protect, ignoreChanges, dependencies, secrets."""

    def __init__(self, mocks: Cloud, recording: Recording) -> None:
        super().__init__(mocks)
        self.recording = recording

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)
        if request.type == "pulumi:pulumi:Stack":
            return response
        timeouts = request.customTimeouts
        self.recording.resources.append(
            Registered(
                type=request.type,
                name=request.name,
                urn=response.urn,
                parent=request.parent,
                custom=request.custom,
                protect=request.protect if request.HasField("protect") else None,
                inputs=_plain(json_format.MessageToDict(request.object)),
                ignore_changes=tuple(request.ignoreChanges),
                dependencies=tuple(request.dependencies),
                delete_before_replace=request.deleteBeforeReplace,
                replacement_trigger=(
                    json_format.MessageToDict(request.replacement_trigger)
                    if request.HasField("replacement_trigger")
                    else None
                ),
                on_error=tuple(request.hooks.on_error),
                timeouts={key: getattr(timeouts, key) for key in ("create", "update", "delete")},
                aliases=tuple(request.aliasURNs),
                retain_on_delete=request.retainOnDelete,
                secret_outputs=tuple(request.additionalSecretOutputs),
                replace_on_changes=tuple(request.replaceOnChanges),
            )
        )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if "::pulumi:pulumi:Stack::" in request.urn:
            self.recording.exports.update(_plain(json_format.MessageToDict(request.outputs)))
        return super().RegisterResourceOutputs(request)


def _plain(value: Any) -> Any:
    """A marshalled value with its secrets as `Secret` and numbers as whole where they are."""
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return Secret(_plain(value.get("value")))
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def unmarked(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every string in `value` that is not inside a `Secret`, with where it lies."""
    if isinstance(value, Secret):
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from unmarked(item, f"{path}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from unmarked(item, f"{path}[{number}]")
    elif isinstance(value, str):
        yield path, value


def recorded(
    declare: Callable[[], object],
    *,
    stack: str = "staging",
    config: Mapping[str, Any] | None = None,
    secret_keys: tuple[str, ...] = (),
    preview: bool = False,
    into: Recording | None = None,
    **cloud: Any,
) -> Recording:
    """Run `declare` as the engine would run a program, and return what it registered. Its exception is raised.

    `into`: the recording to fill, for those who want it when `declare` fails as well. `cloud`: see `Cloud`.
    """
    recording = Recording() if into is None else into
    return contextvars.copy_context().run(
        _recorded, recording, declare, stack, dict(config or {}), secret_keys, preview, Cloud(recording.calls, **cloud)
    )


def run_program(config: Mapping[str, Any], *, secret_keys: tuple[str, ...] = (), **how: Any) -> Recording:
    """Run `__main__.py` with that configuration (keys without namespace; values as Pulumi hands them over)."""
    named = {key if ":" in key else f"{PROJECT}:{key}": value for key, value in config.items()}
    secrets = tuple(key if ":" in key else f"{PROJECT}:{key}" for key in secret_keys)
    main = str(PROJECT_FOLDER / "__main__.py")
    return recorded(lambda: runpy.run_path(main, run_name="__main__"), config=named, secret_keys=secrets, **how)


def _recorded(
    recording: Recording,
    declare: Callable[[], object],
    stack: str,
    config: dict[str, Any],
    secret_keys: tuple[str, ...],
    preview: bool,
    mocks: Cloud,
) -> Recording:
    previous = _current_loop()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    logger = logging.Logger("program", level=logging.INFO)
    logger.addHandler(_Messages(recording))
    try:
        reset_options()
        set_all_config(config, list(secret_keys))
        pulumi_mocks.set_mocks(
            mocks, PROJECT, stack, preview, logger=logger, monitor=RecordingMonitor(mocks, recording)
        )
        # `set_mocks` makes a stack that is finished; `run_in_stack` makes one whose exports are registered.
        ROOT.set(None)
        loop.run_until_complete(run_in_stack(lambda: _ignored(declare())))
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
            with contextlib.suppress(BaseException):
                loop.run_until_complete(task)
        loop.close()
        asyncio.set_event_loop(previous)
    return recording


def _ignored(result: object) -> None:
    """What a program returns means nothing to the engine."""


def _current_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_event_loop_policy().get_event_loop()
    except RuntimeError:
        return None


class _Messages(logging.Handler):
    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self.recording = recording

    def emit(self, record: logging.LogRecord) -> None:
        self.recording.messages.append(record.getMessage())
