"""What an instance needs to serve: a query, a PING and Medusa's own answer. Each raises when it does not get it."""

from __future__ import annotations

import contextlib
import importlib
import socket
import urllib.request
from typing import Any
from urllib.parse import unquote, urlsplit

MEDUSA_URL = "http://127.0.0.1:9000/health"
TIMEOUT = 0.7
"""Seconds that Redis and Medusa may take for an answer."""


class Database:
    """A query on a connection that is kept, made anew once when it turns out to be broken."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection: Any = None
        # Debian's package, on the instance only.
        self.driver: Any = importlib.import_module("psycopg2")

    def __call__(self) -> None:
        if self.connection is not None:
            try:
                self._query()
                return
            except self.driver.Error:
                self._close()
        self.connection = self.driver.connect(
            self.url,
            connect_timeout=2,
            application_name="medusa-ready",
            options="-c statement_timeout=600",
            # A server that vanished without a word ends the connection after 1.5 s, not after a quarter of an hour.
            tcp_user_timeout=1500,
            keepalives_idle=2,
            keepalives_interval=1,
            keepalives_count=3,
        )
        self.connection.autocommit = True
        try:
            self._query()
        except self.driver.Error:
            self._close()
            raise

    def _query(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()

    def _close(self) -> None:
        with contextlib.suppress(self.driver.Error):
            self.connection.close()
        self.connection = None


class Redis:
    """AUTH once, then PING, in Redis's own protocol: two commands are no reason for a library."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 6379)
        self.login = [unquote(part) for part in (parts.username, parts.password) if part]
        self.socket: socket.socket | None = None

    def __call__(self) -> None:
        if self.socket is not None:
            try:
                self._ask("PING", expected=b"+PONG")
                return
            except OSError:
                self._close()
        self.socket = socket.create_connection(self.address, timeout=TIMEOUT)
        try:
            if self.login:
                self._ask("AUTH", *self.login, expected=b"+OK")
            self._ask("PING", expected=b"+PONG")
        except OSError:
            self._close()
            raise

    def _ask(self, *words: str, expected: bytes) -> None:
        assert self.socket is not None
        encoded = [word.encode() for word in words]
        request = b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
        self.socket.sendall(request)
        answer = b""
        while not answer.endswith(b"\r\n"):
            received = self.socket.recv(256)
            if not received:
                raise ConnectionError("closed the connection")
            answer += received
        if not answer.startswith(expected):
            raise ConnectionError(answer.decode(errors="replace").strip()[:200])

    def _close(self) -> None:
        if self.socket is not None:
            self.socket.close()
        self.socket = None


def medusa(url: str = MEDUSA_URL) -> None:
    """Medusa's process answers; no proxy settings are looked at."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=TIMEOUT) as answer:
        if answer.status != 200:
            raise OSError(f"answered {answer.status}")
