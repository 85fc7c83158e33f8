"""An SSH server on loopback with sshd's manners: it accepts variables it was told of, and serves SFTP."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncssh
from asyncssh.packet import SSHPacket

ACCEPTED = {"ALLOWED", "PULUMI_COMMAND_STDERR"}
PASSWORD = "a test's own"


class _Channel(asyncssh.channel.SSHServerChannel):
    """Refuses variables as sshd does, where asyncssh takes all."""

    def _process_env_request(self, packet: SSHPacket) -> bool:
        position = packet._idx
        name = packet.get_string().decode()
        packet._idx = position
        accepted = super()._process_env_request(packet)
        if name not in ACCEPTED:
            self._env.pop(name.encode(), None)
        return accepted and name in ACCEPTED


@dataclass
class Server:
    """A running server; ``address`` and keys are what a connection needs."""

    port: int
    host_key: str
    private_key: str
    accepted: list[str] = field(default_factory=list)
    """Names of users that came in."""

    @property
    def connection(self) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "deploy",
            "privateKey": self.private_key,
            "hostKey": self.host_key,
            "dialErrorLimit": 0,
        }


async def _run(process: asyncssh.SSHServerProcess[bytes]) -> None:
    environment = {name.decode(): value.decode() for name, value in process.channel._env.items()}
    child = await asyncio.create_subprocess_shell(
        process.command or "",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", **environment},
    )
    out, err = await child.communicate(await process.stdin.read())
    process.stdout.write(out)
    process.stderr.write(err)
    process.exit(child.returncode or 0)


@contextmanager
def serve() -> Iterator[Server]:
    """Serve until the context ends, with a host key and a user's key of its own."""
    host, rsa, user = (asyncssh.generate_private_key(kind) for kind in ("ssh-ed25519", "ssh-rsa", "ssh-ed25519"))
    made = Server(0, host.export_public_key().decode(), user.export_private_key().decode())
    loop, ready = asyncio.new_event_loop(), threading.Event()

    class Users(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            made.accepted.append(username)
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return password == PASSWORD

        def connection_requested(self, host: str, port: int, *_: Any) -> bool:
            return True

    async def main() -> None:
        asyncssh.connection.SSHServerChannel = _Channel  # type: ignore[misc]
        keys = asyncssh.import_authorized_keys(user.export_public_key().decode())
        listener = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=Users,
            server_host_keys=[rsa, host],
            authorized_client_keys=keys,
            process_factory=_run,
            sftp_factory=True,
            encoding=None,
        )
        made.port = listener.get_port()
        ready.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        listener.close()

    task = loop.create_task(main())
    thread = threading.Thread(target=loop.run_until_complete, args=(task,), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
