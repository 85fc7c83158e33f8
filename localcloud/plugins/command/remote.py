"""``command:remote:Command``: commands on another machine, over SSH."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.operations import Call
from localcloud.plugins.base.values import Properties
from localcloud.plugins.command.connection import CONNECTION, connect, run
from localcloud.plugins.command.inferred import InferredResource, Input, new_id
from localcloud.plugins.command.output import LOGGING, Capture, previous, quoted

if TYPE_CHECKING:
    import asyncssh

_BLOCK = 1 << 16


class RemoteCommand(InferredResource):
    """Runs ``create`` once, ``update`` (else ``create``) on changes, ``delete`` at the end."""

    token = "command:remote:Command"
    inputs = (
        Input("triggers", "any_list", replace=True),
        CONNECTION,
        Input("create"),
        Input("update"),
        Input("delete"),
        Input("stdin"),
        Input("logging", choices=LOGGING),
        Input("environment", "string_map"),
        Input("addPreviousOutputInEnv", "bool"),
    )
    computed = ("stdout", "stderr")

    def run_create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        outputs = inputs | {"stdout": "", "stderr": ""}
        if (command := inputs.get("create")) is not None:
            outputs = _run(call, command, inputs, outputs)
        return new_id(call.name), outputs

    def run_update(self, call: Call, state: Properties, inputs: Properties) -> Properties:
        kept = {name: state[name] for name in ("stdout", "stderr") if name in state}
        command = inputs.get("update") if inputs.get("update") is not None else inputs.get("create")
        return inputs | kept if command is None else _run(call, command, inputs, inputs | kept)

    def run_delete(self, call: Call, state: Properties) -> None:
        if (command := state.get("delete")) is not None:
            _run(call, command, state, state)


def _run(call: Call, command: str, inputs: Properties, outputs: Properties) -> Properties:
    """The outputs with what the command printed. Raises ProviderError when it fails."""
    import asyncssh

    capture = Capture(call, inputs.get("logging"))
    try:
        problem = run(call, lambda: _execute(call, command, inputs, outputs, capture))
    except asyncssh.Error as error:
        problem = str(error)
    if problem:
        raise ProviderError(f"{problem}: running {quoted(command)}:\n{capture.both()}")
    return outputs | {"stdout": capture.text("stdout"), "stderr": capture.text("stderr")}


async def _execute(call: Call, command: str, inputs: Properties, outputs: Properties, capture: Capture) -> str:
    """What went wrong with the command, in the client library's words; "" if it ended with 0."""
    # A server refuses variables that its AcceptEnv does not name, silently in either client.
    variables = (inputs.get("environment") or {}) | previous(inputs, outputs)
    async with connect(call, inputs["connection"]) as connection:
        process = await connection.create_process(command, env=variables, encoding=None)
        readers = [
            asyncio.ensure_future(_read(process.stdout, "stdout", capture)),
            asyncio.ensure_future(_read(process.stderr, "stderr", capture)),
        ]
        try:
            await _write(process, inputs.get("stdin") or "")
            await asyncio.gather(*readers)
            ended = await process.wait(check=False)
        finally:
            for reader in readers:
                reader.cancel()
    capture.finish()
    if ended.exit_signal:
        return f"Process exited with signal {ended.exit_signal[0]}"
    if ended.exit_status is None:
        return "the connection ended before the command did"
    return f"Process exited with status {ended.exit_status}" if ended.exit_status else ""


async def _read(stream: asyncssh.SSHReader[bytes], name: str, capture: Capture) -> None:
    while data := await stream.read(_BLOCK):
        capture.feed(name, data)


async def _write(process: asyncssh.SSHClientProcess[bytes], text: str) -> None:
    try:
        process.stdin.write(text.encode())
        await process.stdin.drain()
        process.stdin.write_eof()
    except (BrokenPipeError, ConnectionError):
        pass  # a command need not read all that it is given
