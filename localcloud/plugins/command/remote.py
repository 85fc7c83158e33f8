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
_REFUSED = (
    "Unable to set '{}'. This only works if your SSH server is configured to accept these variables via AcceptEnv. "
    "Alternatively, if a Bash-like shell runs the command on the remote host, you could prefix the command itself with "
    "the variables in the form 'VAR=value command'"
)


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
    async with connect(call, inputs["connection"]) as connection:
        process = await _start(call, connection, command, inputs, outputs)
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
        return "wait: remote command exited without exit status or exit signal"
    return f"Process exited with status {ended.exit_status}" if ended.exit_status else ""


async def _start(
    call: Call, connection: asyncssh.SSHClientConnection, command: str, inputs: Properties, outputs: Properties
) -> asyncssh.SSHClientProcess[bytes]:
    """The command, started with its variables; one of the program's own that is refused is an error."""
    from localcloud.plugins.command.environment import VARIABLES, Variables

    own, last = inputs.get("environment") or {}, previous(inputs, outputs)
    variables = Variables(frozenset(own))
    VARIABLES.set(variables)
    try:
        process = await connection.create_process(command, env=last | own, encoding=None)
    except ProviderError:
        for name in variables.refused:
            call.log("error" if name in own else "warning", _REFUSED.format(name))
        raise
    for name in variables.refused:
        call.log("warning", _REFUSED.format(name))
    return process


async def _read(stream: asyncssh.SSHReader[bytes], name: str, capture: Capture) -> None:
    while data := await stream.read(_BLOCK):
        capture.feed(name, data)


async def _write(process: asyncssh.SSHClientProcess[bytes], text: str) -> None:
    try:
        if text:
            process.stdin.write(text.encode())
            await process.stdin.drain()
        process.stdin.write_eof()
    except (BrokenPipeError, ConnectionError):
        pass  # a command need not read all that it is given
