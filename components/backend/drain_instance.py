"""Drains one instance before it leaves: runs on the machine that runs the update, when its resource is deleted.

Reads STORE_HOST, STORE_USER, STORE_HOST_KEY, STORE_SERVER_ID and STORE_SERVER_NAME from the environment and the private
key from standard input. Standard library and OpenSSH's client only.

Whatever keeps it from draining (a dead server, another one at that address) is said and is no error: what is being
deleted cannot be drained better later, and an update must not hang on it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

CONNECT_SECONDS = 6
DRAIN_SECONDS = 60
STOP_SECONDS = 100
"""What the units allow: a minute for the worker's jobs, then 35 seconds for Medusa."""
# cloud-init's instance id is the server's id: without it the drain would hit whoever took the address over.
IDENTITY = "/var/lib/cloud/data/instance-id"
OTHER_SERVER = 66


def remote_line(server_id: str) -> str:
    """The shell line: drain and stop, if this is the server that is meant.

    Stopped here, jobs end with the database in reach: the private network goes before the server is shut down, and what
    cannot reach Redis hangs until it is killed.
    """
    return (
        f'if [ "$(cat {IDENTITY} 2>/dev/null)" != {shlex.quote(server_id)} ]; then exit {OTHER_SERVER}; fi; '
        f"sudo -n /usr/local/sbin/store-drain --seconds {DRAIN_SECONDS}; drained=$?; "
        "sudo -n systemctl stop medusa-worker medusa; exit $drained"
    )


def ssh_command(values: Mapping[str, str], folder: Path) -> list[str]:
    """ssh with the pinned host key and nothing of the user's own configuration; no secret is in it."""
    options = {
        "BatchMode": "yes",
        "IdentitiesOnly": "yes",
        "IdentityFile": str(folder / "key"),
        "UserKnownHostsFile": str(folder / "known_hosts"),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "HostKeyAlias": "instance",
        "ConnectTimeout": str(CONNECT_SECONDS),
        "ServerAliveInterval": "3",
        "ServerAliveCountMax": "3",
        "LogLevel": "ERROR",
    }
    flags = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    target = f"{values['STORE_USER']}@{values['STORE_HOST']}"
    return ["ssh", "-F", "/dev/null", *flags, target, remote_line(values["STORE_SERVER_ID"])]


def verdict(code: int, name: str, said: str) -> str:
    """What to tell for ssh's exit code."""
    if code == 0:
        return f"{name}: {said or 'drained'}"
    if code == OTHER_SERVER:
        return f"{name}: another server answers at its address; nothing to drain"
    if code == 255:
        return f"{name} cannot be reached, so there is nobody to drain: {said}"
    return f"{name}: not drained to the end ({said or f'exit code {code}'}); requests under way may be cut off"


def main() -> int:
    values = {key: os.environ.get(key, "") for key in ("STORE_HOST", "STORE_USER", "STORE_HOST_KEY", "STORE_SERVER_ID")}
    name = os.environ.get("STORE_SERVER_NAME") or values["STORE_HOST"]
    missing = [key for key, value in values.items() if not value]
    if missing:
        print(f"{name}: not drained, {', '.join(missing)} not set")
        return 0
    with tempfile.TemporaryDirectory(prefix="store-drain-") as made:
        folder = Path(made)
        key = os.open(folder / "key", os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(key, "w", encoding="ascii") as file:
            file.write(sys.stdin.read().rstrip("\n") + "\n")
        (folder / "known_hosts").write_text(f"instance {values['STORE_HOST_KEY']}\n", encoding="ascii")
        try:
            done = subprocess.run(
                ssh_command(values, folder),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=DRAIN_SECONDS + STOP_SECONDS + CONNECT_SECONDS + 15,
                check=False,
            )
        except FileNotFoundError:
            print(f"{name}: not drained, there is no ssh on this machine")
            return 0
        except subprocess.TimeoutExpired:
            print(f"{name}: not drained to the end, it stopped answering")
            return 0
    said = (done.stdout.strip() or done.stderr.strip()).splitlines()
    print(verdict(done.returncode, name, said[-1] if said else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
