"""Environment variables of a remote command, asked for one by one so that a refusal is seen.

The provider's client library waits for the server's answer to each variable; asyncssh sends them without asking for
one. sshd refuses what its AcceptEnv does not name.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import asyncssh.connection
from asyncssh.channel import SSHClientChannel

from localcloud.plugins.base.errors import ProviderError


@dataclass
class Variables:
    """``required`` must be accepted, or the command does not run; ``refused`` names what was not."""

    required: frozenset[str]
    refused: list[str] = field(default_factory=list)


VARIABLES: ContextVar[Variables] = ContextVar("variables")


class _AskingChannel(SSHClientChannel[bytes]):
    _asked: list[tuple[str, asyncio.Future[Any]]]

    def _send_request(self, request: bytes, *args: bytes, want_reply: bool = False) -> None:
        if request == b"env":
            want_reply = True
            waiter = asyncio.get_running_loop().create_future()
            self._request_waiters.append(waiter)
            length = int.from_bytes(args[0][:4], "big")
            self._asked = [*getattr(self, "_asked", []), (args[0][4 : 4 + length].decode(), waiter)]
        super()._send_request(request, *args, want_reply=want_reply)

    async def _make_request(self, request: bytes, *args: bytes) -> bool | None:
        variables = VARIABLES.get(None)
        if request == b"exec" and variables is not None:
            variables.refused += [name for name, waiter in getattr(self, "_asked", []) if not await waiter]
            for name in variables.refused:
                if name in variables.required:
                    raise ProviderError(f"could not set environment variable {name!r}: ssh: setenv failed")
        return await super()._make_request(request, *args)


asyncssh.connection.SSHClientChannel = _AskingChannel  # type: ignore[attr-defined,assignment]
