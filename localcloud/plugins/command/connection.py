"""SSH connections as the provider dials them: a limit of tries, a pinned host key, an optional proxy.

asyncssh takes a third of a second to import, and a preview needs none of it: it is imported where it is used.
"""

from __future__ import annotations

import asyncio
import os
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
_FIRST_PAUSE, _PAUSE_GROWTH, _LONGEST_PAUSE = 0.1, 1.5, 5.0
"""Seconds between dials, as the provider has them."""
_LONGEST_PAUSE_WITHOUT_LIMIT = 1.0
"""Without a limit of dials nothing depends on the pauses, and machines here are up in seconds."""
_STOP_LOOK_SECONDS = 0.1


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
        await asyncio.sleep(_STOP_LOOK_SECONDS)
        call.pause(0)


@asynccontextmanager
async def connect(call: Call, wanted: Properties) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """An open connection, through the proxy if there is one. Raises ProviderError after the last dial."""
    proxy = wanted.get("proxy")
    if not proxy:
        async with await _dial(call, wanted, "Dial", None) as connection:
            yield connection
        return
    try:
        tunnel = await _dial(call, proxy, "Dial proxy", None)
    except ProviderError as error:
        raise ProviderError(f"proxy: {error}") from error
    async with tunnel:
        try:
            connection = await _dial(call, wanted, "Dial from proxy", tunnel)
        except ProviderError as error:
            raise ProviderError(f"proxy: {error}") from error
        async with connection:
            yield connection


async def _dial(
    call: Call, wanted: Properties, what: str, tunnel: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    import asyncssh

    host, port, limit = wanted["host"], int(wanted.get("port") or 22), int(wanted.get("dialErrorLimit", 10))
    options = _options(wanted)
    seconds = int(wanted.get("perDialTimeout", 15)) or None
    tries = 0
    while True:
        try:
            return await asyncio.wait_for(asyncssh.connect(host, port, tunnel=tunnel or (), options=options), seconds)
        except (asyncssh.Error, OSError, TimeoutError) as error:
            reason = _reason(error, host, port, seconds)
        tries += 1
        if -1 < limit < tries:
            raise ProviderError(f"after {tries - 1} failed attempts: {reason}")
        call.status("info", f"{what} {tries}/{'inf' if limit < 0 else limit} failed: retrying ({reason})")
        longest = _LONGEST_PAUSE_WITHOUT_LIMIT if limit < 0 else _LONGEST_PAUSE
        await asyncio.sleep(min(_FIRST_PAUSE * _PAUSE_GROWTH ** min(tries - 1, 20), longest))


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
            raise ProviderError(f"failed to parse host key: {error}") from None
    return asyncssh.SSHClientConnectionOptions(
        username=wanted.get("user") or "root",
        password=wanted.get("password"),
        client_keys=keys,
        known_hosts=known,
        agent_path=wanted.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK") or None,
        config=None,
        compression_algs=None,
        keepalive_interval=15,
        # They encrypt and authenticate in one native pass: a release goes over in seconds.
        encryption_algs="^aes128-gcm@openssh.com,aes256-gcm@openssh.com",
    )


def _reason(error: Exception, host: str, port: int, seconds: int | None) -> str:
    import asyncssh

    if isinstance(error, asyncssh.HostKeyNotVerifiable | asyncssh.KeyExchangeFailed) and "key" in str(error).lower():
        return f"ssh: handshake failed: ssh: host key mismatch: {host}:{port} does not show the key of hostKey"
    if isinstance(error, asyncssh.PermissionDenied):
        return "ssh: handshake failed: ssh: unable to authenticate with the given key or password"
    if isinstance(error, TimeoutError) and not str(error):
        return f"dial tcp {host}:{port}: no SSH within {seconds} s"
    return f"dial tcp {host}:{port}: {str(error) or type(error).__name__}"
