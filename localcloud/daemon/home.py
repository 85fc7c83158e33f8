"""Where one embedded cloud keeps what it knows."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import string
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_HOME = Path(".local/cloud")
DEFAULT_PORT = 8470
DEFAULT_CLOUDFLARE_PORT = 8471
TOKEN_LENGTH = 64
"""Clients of the real cloud refuse a token of any other length."""
CLOUDFLARE_TOKEN_LENGTH = 40
EDGE_PORTS = (8480, 8443)
"""HTTP and HTTPS."""
DEFAULT_S3_PORT = 8472
ALPHABET = string.ascii_letters + string.digits


class DaemonError(Exception):
    """Something a person can put right; the message says what and how."""


@dataclass(frozen=True)
class CloudflareOptions:
    """What the Cloudflare half is started with. Without ``edge`` or ``s3`` (ports) these are not served."""

    port: int
    zones: tuple[str, ...] = ("localhost",)
    edge: tuple[int, int] | None = None
    s3: int | None = None

    def known(self) -> dict[str, Any]:
        """What the home remembers of it."""
        return {"cloudflare_port": self.port, "zones": self.zones, "edge_ports": self.edge, "s3_port": self.s3}

    def arguments(self) -> list[str]:
        """The words of ``start`` that mean this."""
        found = ["--cloudflare-port", str(self.port)]
        for zone in self.zones:
            found += ["--zone", zone]
        if self.edge:
            found += ["--edge-http-port", str(self.edge[0]), "--edge-port", str(self.edge[1])]
        return found + (["--s3-port", str(self.s3)] if self.s3 else [])


@dataclass(frozen=True)
class Asked:
    """What the command line of ``start`` says of the Cloudflare half; None is "nothing said"."""

    port: int | None = None
    zones: Sequence[str] = ()
    edge_http: int | None = None
    edge: int | None = None
    s3: int | None = None
    everything: bool = False
    """Edge and S3 too, where nothing names their ports."""


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
    def authority(self) -> Path:
        """The edge's certificate authority, once an edge has run."""
        return self.path / "ca" / "ca.pem"

    @property
    def bundle(self) -> Path:
        """What clients are to trust: the system's authorities and the edge's."""
        return self.path / "ca" / "bundle.pem"

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
        return self._secret("token", TOKEN_LENGTH)

    def cloudflare_token(self) -> str:
        """The owner's token of the Cloudflare half, made on first use; its clients check that it has 40 characters."""
        return self._secret("cloudflare-token", CLOUDFLARE_TOKEN_LENGTH)

    def _secret(self, name: str, length: int) -> str:
        file = self.path / name
        try:
            token = file.read_text().strip()
        except FileNotFoundError:
            self.make()
            token = "".join(secrets.choice(ALPHABET) for _ in range(length))
            # Whole from the moment that it has its name: two starts at once read the token of the faster one.
            draft = self.path / f".{name}.{os.getpid()}"
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as new:
                new.write(token + "\n")
            with suppress(FileExistsError):
                os.link(draft, file)
            draft.unlink()
            token = file.read_text().strip()
        if len(token) != length:
            raise DaemonError(f"{file} holds {len(token)} characters instead of {length}; remove it to get a new one")
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
        if given is None:
            given = _port("LOCALCLOUD_PORT")
        port = given if given is not None else int(self.last().get("port", DEFAULT_PORT))
        if not 1 <= port <= 65535:
            raise DaemonError(f"port {port} does not exist; choose one from 1 to 65535")
        return port

    def cloudflare(self, asked: Asked = Asked()) -> CloudflareOptions | None:
        """What was given, else what the environment says, else the last daemon's; None where nothing asks for it."""
        last = self.last()
        usual = asked.everything
        port = asked.port or _port("LOCALCLOUD_CLOUDFLARE_PORT") or last.get("cloudflare_port")
        if port is None and (asked.zones or usual):
            port = DEFAULT_CLOUDFLARE_PORT
        if port is None:
            return None
        http, https = last.get("edge_ports") or (EDGE_PORTS if usual else (EDGE_PORTS[0], None))
        http = asked.edge_http or _port("LOCALCLOUD_EDGE_HTTP_PORT") or http
        https = asked.edge or _port("LOCALCLOUD_EDGE_PORT") or https
        s3 = asked.s3 or _port("LOCALCLOUD_S3_PORT") or last.get("s3_port") or (DEFAULT_S3_PORT if usual else None)
        zones = tuple(asked.zones) or tuple(last.get("zones") or ()) or ("localhost",)
        return CloudflareOptions(port, zones, (http, https) if https else None, s3)

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


def _port(variable: str) -> int | None:
    """The port that an environment variable names, if it is set."""
    text = os.environ.get(variable)
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise DaemonError(f"{variable}={text} is not a port; set a number from 1 to 65535")
    return int(text)
