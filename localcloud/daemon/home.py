"""Where one embedded cloud keeps what it knows."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import string
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_HOME = Path(".local/cloud")
DEFAULT_PORT = 8470
TOKEN_LENGTH = 64
"""Clients of the real cloud refuse a token of any other length."""
ALPHABET = string.ascii_letters + string.digits


class DaemonError(Exception):
    """Something a person can put right; the message says what and how."""


@dataclass(frozen=True)
class Home:
    """A folder; several clouds may run on one host, each with a folder and a port of its own."""

    path: Path

    @classmethod
    def of(cls, given: str | None) -> Home:
        """``given``, else ``$LOCALCLOUD_HOME``, else ``.local/cloud`` below the current directory."""
        return cls(Path(given or os.environ.get("LOCALCLOUD_HOME") or DEFAULT_HOME).absolute())

    @property
    def state(self) -> Path:
        return self.path / "state.sqlite"

    @property
    def log(self) -> Path:
        return self.path / "daemon.log"

    @property
    def journal(self) -> Path:
        return self.path / "requests.jsonl"

    @property
    def pid(self) -> Path:
        return self.path / "daemon.pid"

    @property
    def about(self) -> Path:
        """What the last daemon was started with: port and machines."""
        return self.path / "daemon.json"

    def make(self) -> None:
        """Create the folder, and the files in it that are their owner's only. Raises when it cannot be written."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # user_data lies in the state, and with it private keys; SQLite gives its other files the same mode.
            for file in (self.state, self.log):
                os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
                file.chmod(0o600)
        except OSError as wrong:
            reason = wrong.strerror or wrong
            raise DaemonError(f"{self.path} cannot be written ({reason}); choose another folder with --home") from None

    def token(self) -> str:
        """The cloud's only token, made on first use."""
        file = self.path / "token"
        try:
            token = file.read_text().strip()
        except FileNotFoundError:
            self.make()
            token = "".join(secrets.choice(ALPHABET) for _ in range(TOKEN_LENGTH))
            with (
                suppress(FileExistsError),
                os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new,
            ):
                new.write(token + "\n")
            token = file.read_text().strip()
        if len(token) != TOKEN_LENGTH:
            raise DaemonError(
                f"{file} holds {len(token)} characters instead of {TOKEN_LENGTH}; remove it to get a new one"
            )
        return token

    def last(self) -> dict[str, Any]:
        """What :attr:`about` says, or nothing."""
        try:
            found: dict[str, Any] = json.loads(self.about.read_text())
        except (OSError, ValueError):
            return {}
        return found

    def port(self, given: int | None = None) -> int:
        """``given``, else ``$LOCALCLOUD_PORT``, else the last daemon's, else 8470."""
        text = os.environ.get("LOCALCLOUD_PORT")
        if given is None and text:
            if not text.isdecimal():
                raise DaemonError(f"LOCALCLOUD_PORT={text} is not a port; set a number from 1 to 65535")
            given = int(text)
        port = given if given is not None else int(self.last().get("port", DEFAULT_PORT))
        if not 1 <= port <= 65535:
            raise DaemonError(f"port {port} does not exist; choose one from 1 to 65535")
        return port

    def running(self) -> int | None:
        """The pid of the daemon that holds this home's lock: a pid file alone may be of a process long dead."""
        try:
            with (self.path / "daemon.lock").open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return None
        except BlockingIOError:
            with suppress(OSError, ValueError, IndexError):
                return int(self.pid.read_text().split()[0])
            return 0
        return None

    def lock(self) -> Any:
        """Hold this home for the process's life; keep what is returned. Raises if another daemon has it."""
        self.make()
        lock = (self.path / "daemon.lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise DaemonError(
                f"a daemon runs already in {self.path}; stop it first: python -m localcloud stop"
            ) from None
        return lock
