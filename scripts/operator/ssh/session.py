"""How a connection is made: with the pinned host key and the stack's key, no others, and nothing left behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.operator.engine import PROJECT, Engine
from scripts.operator.errors import OperatorError
from scripts.operator.process import Command
from scripts.operator.ssh.config import quoted
from scripts.operator.ssh.hosts import Host


@dataclass(frozen=True)
class Credentials:
    """Files that ssh reads: the private key and the known hosts."""

    identity: Path
    known_hosts: Path


def stack_key(engine: Engine) -> str:
    """The stack's private key in OpenSSH's form, decrypted from its config."""
    entry = engine.config(show_secrets=True).get(f"{PROJECT}:sshPrivateKey")
    if not entry or not entry.get("value"):
        raise OperatorError(
            f"stack {engine.stack} has no sshPrivateKey",
            advice=f"scripts/store secrets generate -s {engine.stack}, or give your own key with --identity",
        )
    return str(entry["value"]).rstrip("\n") + "\n"


@contextmanager
def credentials(hosts: Sequence[Host], key: str | None, identity: Path | None = None) -> Iterator[Credentials]:
    """The files for connecting to `hosts`, gone afterwards. `identity`, a key file of the user's own, is used in place.

    They lie in memory (/dev/shm) where the system has it, in a directory that only we can enter.
    """
    memory = Path("/dev/shm")
    parent = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="store-ssh-", dir=parent) as name:
        directory = Path(name)
        known_hosts = directory / "known_hosts"
        known_hosts.write_text("".join(host.known_host() for host in hosts), encoding="utf-8")
        if identity is None:
            identity = directory / "identity"
            descriptor = os.open(identity, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(key or "")
        yield Credentials(identity, known_hosts)


def ssh_command(
    host: Host, files: Credentials, words: Sequence[str] = (), *, batch: bool = False, connect_seconds: int = 10
) -> Command:
    """`ssh` to `host`, as a value. `words` are joined by the remote shell, as ssh does. `batch` never asks anything."""
    options = {
        # Without -F none a "Host *" of the user's own could switch the checking off.
        "UserKnownHostsFile": quoted(files.known_hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "HostKeyAlias": host.alias,
        "HostKeyAlgorithms": host.host_key.split()[0],
        "UpdateHostKeys": "no",
        "IdentitiesOnly": "yes",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "ConnectTimeout": str(connect_seconds),
        "ServerAliveInterval": "15",
        "LogLevel": "ERROR",
    }
    if batch:
        options["BatchMode"] = "yes"
    flags = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    target = f"{host.user}@{host.address}"
    # After -- nothing is an option: ssh would go on looking for its own behind the host's name.
    return Command(("ssh", "-F", "none", "-i", str(files.identity), "-p", str(host.port), *flags, "--", target, *words))
