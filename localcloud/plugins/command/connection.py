"""SSH connections as the provider dials them: no wait, a limit of tries, a pinned host key, an optional proxy.

asyncssh takes half a second to import, and a preview needs none of it: it is imported where it is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.operations import Call
from localcloud.plugins.base.values import Properties
from localcloud.plugins.command.inferred import Input

if TYPE_CHECKING:
    import asyncssh

Result = TypeVar("Result")

_DIAL = (
    Input("agentSocketPath"),
    Input("dialErrorLimit", "int", default=10),
    Input("host", required=True),
    Input("hostKey"),
    Input("password", secret=True),
    Input("perDialTimeout", "int", default=15),
    Input("port", "number", default=22),
    Input("privateKey", secret=True),
    Input("privateKeyPassword", secret=True),
    Input("user", default="root"),
)
_PROXY = Input("proxy", "object", fields=_DIAL)
CONNECTION = Input("connection", "object", required=True, secret=True, fields=(*_DIAL, _PROXY))
_PAUSE_SECONDS = 0.25
"""The provider dials again at once; a machine that refuses would then be asked thousands of times a second."""


def run(call: Call, work: Callable[[], Awaitable[Result]]) -> Result:
    """Run a coroutine to its end; it ends early when the engine cancels or the operation's time is up."""

    async def main() -> Result:
        task = asyncio.ensure_future(work())
        stopping = asyncio.ensure_future(_stopped(call))
        done, _ = await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if task in done:
            stopping.cancel()
            return task.result()
        task.cancel()
        await asyncio.wait({task})
        stopping.result()
        raise AssertionError("stopping raises")

    return asyncio.run(main())


async def _stopped(call: Call) -> None:
    while True:
        await asyncio.sleep(0.1)
        call.pause(0)


@asynccontextmanager
async def connect(call: Call, wanted: Properties) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """An open connection, through the proxy if there is one. Raises ProviderError after the last dial."""
    proxy = wanted.get("proxy")
    if proxy:
        async with connect(call, proxy) as tunnel, _dialled(call, wanted, tunnel) as connection:
            yield connection
    else:
        async with _dialled(call, wanted, None) as connection:
            yield connection


@asynccontextmanager
async def _dialled(
    call: Call, wanted: Properties, tunnel: asyncssh.SSHClientConnection | None
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    import asyncssh

    host, port, limit = wanted["host"], int(wanted.get("port") or 22), int(wanted.get("dialErrorLimit", 10))
    options = _options(wanted)
    tries = 0
    while True:
        tries += 1
        try:
            connection = await asyncssh.connect(host, port, tunnel=tunnel or (), options=options)
            break
        except (asyncssh.Error, OSError, TimeoutError) as error:
            if 0 <= limit < tries:
                raise ProviderError(
                    f"after {tries} failed attempts: dial tcp {host}:{port}: {_reason(error)}"
                ) from None
            call.status("info", f"waiting for SSH on {host}:{port} ({tries}): {_reason(error)}")
            await asyncio.sleep(_PAUSE_SECONDS)
    async with connection:
        yield connection


def _options(wanted: Properties) -> asyncssh.SSHClientConnectionOptions:
    import asyncssh

    keys = []
    if text := wanted.get("privateKey"):
        try:
            keys.append(asyncssh.import_private_key(text, wanted.get("privateKeyPassword")))
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise ProviderError(f"the connection's privateKey cannot be read: {error}") from None
    known: Any = None
    if text := wanted.get("hostKey"):
        try:
            known = ([asyncssh.import_public_key(text)], [], [])
        except asyncssh.KeyImportError as error:
            raise ProviderError(f"the connection's hostKey is no public key: {error}") from None
    seconds = int(wanted.get("perDialTimeout") or 15)
    return asyncssh.SSHClientConnectionOptions(
        username=wanted.get("user") or "root",
        password=wanted.get("password"),
        client_keys=keys,
        known_hosts=known,
        agent_path=wanted.get("agentSocketPath"),
        config=None,
        connect_timeout=seconds,
        login_timeout=seconds,
        keepalive_interval=15,
    )


def _reason(error: Exception) -> str:
    import asyncssh

    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return "ssh: host key mismatch: the server shows another key than hostKey"
    if isinstance(error, asyncssh.PermissionDenied):
        return "ssh: handshake failed: unable to authenticate with the given key or password"
    return str(error) or type(error).__name__
