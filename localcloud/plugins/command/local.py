"""``command:local:Command`` and ``command:local:run``: commands on the machine that runs Pulumi."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.operations import Call
from localcloud.plugins.base.values import Archive, Asset, Properties
from localcloud.plugins.command.globs import select
from localcloud.plugins.command.inferred import InferredResource, Input, check_object, new_id
from localcloud.plugins.command.output import LOGGING, Capture, previous, quoted

BASE_INPUTS = (
    Input("stdin"),
    Input("logging", choices=LOGGING),
    Input("interpreter", "strings"),
    Input("dir"),
    Input("environment", "string_map"),
    Input("assetPaths", "strings"),
    Input("archivePaths", "strings"),
    Input("addPreviousOutputInEnv", "bool"),
)


def run(call: Call, command: str, inputs: Properties, outputs: Properties) -> Properties:
    """Run a command; the outputs with what it printed and made. Raises ProviderError when it fails."""
    folder = inputs.get("dir") or os.getcwd()
    environment = os.environ | (inputs.get("environment") or {}) | previous(inputs, outputs)
    arguments = [*(inputs.get("interpreter") or ["/bin/sh", "-c"]), command]
    capture = Capture(call, inputs.get("logging"))
    status = _execute(call, arguments, folder, environment, inputs.get("stdin") or "", capture)
    if status:
        raise ProviderError(f"{_describe(status)}: running {quoted(command)}:\n{capture.both()}")
    result = outputs | {"stdout": capture.text("stdout"), "stderr": capture.text("stderr")}
    if (globs := inputs.get("assetPaths")) is not None:
        result["assets"] = _assets(folder, globs)
    if (globs := inputs.get("archivePaths")) is not None:
        result["archive"] = Archive.of_assets(_assets(folder, globs))
    return result


def _assets(folder: str, globs: list[str]) -> dict[str, Asset]:
    return {path: Asset.of_file(str(Path(folder) / path)) for path in select(folder, globs)}


def _describe(status: int) -> str:
    if status > 0:
        return f"exit status {status}"
    return f"signal: {signal.strsignal(-status) or -status}".lower()


def _execute(
    call: Call, arguments: list[str], folder: str, environment: Mapping[str, str], stdin: str, capture: Capture
) -> int:
    try:
        process = subprocess.Popen(
            arguments,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise ProviderError(f"{arguments[0]}: {error.strerror or error} (in {folder})") from error
    streams: list[tuple[str, IO[bytes] | None]] = [("stdout", process.stdout), ("stderr", process.stderr)]
    readers = [threading.Thread(target=_read, args=(*stream, capture), daemon=True) for stream in streams]
    if stdin:
        readers.append(threading.Thread(target=_write, args=(process.stdin, stdin), daemon=True))
    for reader in readers:
        reader.start()
    try:
        while (status := process.poll()) is None:
            call.pause(0.02)
    except ProviderError as error:
        process.kill()
        process.wait()
        raise ProviderError(f"{error}: running {quoted(arguments[-1])}:\n{capture.both()}") from error
    for reader in readers:
        reader.join()
    capture.finish()
    return status


def _read(name: str, stream: IO[bytes] | None, capture: Capture) -> None:
    assert stream is not None
    with stream:
        while data := os.read(stream.fileno(), 1 << 16):
            capture.feed(name, data)


def _write(stream: IO[bytes] | None, text: str) -> None:
    assert stream is not None
    try:
        with stream:
            stream.write(text.encode())
    except BrokenPipeError:
        pass  # a command need not read all that it is given


class LocalCommand(InferredResource):
    """Runs ``create`` once, ``update`` (else ``create``) on changes, ``delete`` at the end."""

    token = "command:local:Command"
    inputs = (
        Input("triggers", "any_list", replace=True),
        Input("create"),
        Input("update"),
        Input("delete"),
        *BASE_INPUTS,
    )
    computed = ("stdout", "stderr")

    def run_create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        outputs = inputs | {"stdout": "", "stderr": ""}
        if (command := inputs.get("create")) is not None:
            outputs = run(call, command, inputs, outputs)
        return new_id(call.name), outputs

    def run_update(self, call: Call, state: Properties, inputs: Properties) -> Properties:
        kept = {name: state[name] for name in ("stdout", "stderr", "assets", "archive") if name in state}
        command = inputs.get("update") if inputs.get("update") is not None else inputs.get("create")
        return inputs | kept if command is None else run(call, command, inputs, inputs | kept)

    def run_delete(self, call: Call, state: Properties) -> None:
        if (command := state.get("delete")) is not None:
            run(call, command, state, state)


def run_function(call: Call, args: Properties) -> Properties:
    """``command:local:run``: runs on every preview and every update."""
    failures: list = []  # type: ignore[type-arg]
    inputs = check_object((Input("command", required=True), *BASE_INPUTS), args, "", failures)
    if failures:
        raise ProviderError("; ".join(f"{failure.property}: {failure.reason}" for failure in failures))
    return run(call, inputs["command"], inputs, inputs)
