"""Where things lie on an instance, and what every command needs."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

RELEASES = Path("/opt/medusa/releases")
CURRENT = Path("/opt/medusa/current")
ETC = Path("/etc/medusa")
RELEASE_MAP = Path("/etc/haproxy/releases.map")
SIGNATURE = Path("/var/lib/store-release/started")
UNITS = Path("/etc/systemd/system")
ADMIN_SOCKET = "/run/haproxy/admin.sock"
HEALTH = "http://127.0.0.1:9100/health"


class Problem(Exception):
    """What went wrong, in a sentence for whoever deploys."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    with open("/run/lock/store-release.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read_environment() -> dict[str, str]:
    try:
        values = json.load(sys.stdin)
    except ValueError:
        # Not the original: its text quotes the input, which holds secrets.
        raise Problem("standard input is not a JSON object with Medusa's environment") from None
    for name, value in values.items():
        if not isinstance(value, str) or "\n" in value or not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            raise Problem(f"{name} in the environment is not a line of text")
    return dict(values)


def environment_file(values: Mapping[str, str]) -> str:
    """As systemd's EnvironmentFile= reads it: in double quotes only backslash and quote are special (systemd.exec)."""
    escaped = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in values.items()}
    return "".join(f'{name}="{value}"\n' for name, value in sorted(escaped.items()))


def write(path: Path, content: str, mode: int = 0o600) -> None:
    """Replace a file in one step; its mode is right before its first byte is there."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w") as file:
        os.fchmod(handle, mode)
        file.write(content)
        file.flush()
        os.fsync(handle)
    os.replace(partial, path)


def stored_environment() -> dict[str, str]:
    values = {}
    for line in (ETC / "medusa.env").read_text().splitlines():
        name, _, quoted = line.partition("=")
        values[name] = re.sub(r"\\(.)", r"\1", quoted[1:-1])
    return values


def readable(log: str) -> str:
    """Medusa's JSON log lines as "level: message"."""
    lines = []
    for line in log.splitlines():
        try:
            entry = json.loads(line)
            lines.append(f"{entry['level']}: {entry['message']}")
        except (ValueError, KeyError, TypeError):
            lines.append(line)
    return "\n".join(lines)


def tail(text: str, lines: int = 25) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def systemctl(*arguments: str) -> int:
    return subprocess.run(["systemctl", *arguments], stdin=subprocess.DEVNULL, check=False).returncode
