"""The Cloudflare half of the daemon: the same process, with ports and a token of its own."""

from __future__ import annotations

import logging
import socket
import sqlite3
import threading
from typing import Any

import uvicorn

from localcloud.cloudflare.app import create_app
from localcloud.cloudflare.cloud import Cloud
from localcloud.cloudflare.dataplane.interface import DataPlaneError
from localcloud.cloudflare.dataplane.local import LocalDataPlane
from localcloud.cloudflare.errors import ApiError
from localcloud.cloudflare.health.probe import EdgePorts
from localcloud.cloudflare.r2 import app as s3
from localcloud.cloudflare.start import start
from localcloud.cloudflare.store import Store
from localcloud.cloudflare.watch import Watch
from localcloud.common.journal import Journal
from localcloud.daemon.backends import cache
from localcloud.daemon.home import CloudflareOptions, DaemonError, Home
from localcloud.daemon.sockets import listen, serving
from localcloud.daemon.trust import write_bundle

log = logging.getLogger("localcloud.daemon")
END_SECONDS = 10.0


class Listener:
    """An ASGI application on a loopback port, in a thread of its own."""

    def __init__(self, port: int, option: str) -> None:
        self._socket: socket.socket = listen(port, option)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self, app: Any, name: str) -> None:
        self._server = server = serving(app)
        self._socket.listen(128)
        self._thread = threading.Thread(target=server.run, args=([self._socket],), name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(END_SECONDS)
        self._socket.close()


class CloudflareServer:
    """API, data plane and S3, between :meth:`start` and :meth:`stop`. Raises :class:`DaemonError` if they cannot be."""

    def __init__(self, home: Home, options: CloudflareOptions) -> None:
        self._home = home
        self._options = options
        self._api = Listener(options.port, "--cloudflare-port")
        self._s3 = Listener(options.s3, "--s3-port") if options.s3 else None
        try:
            self._store = Store(home.path)
        except sqlite3.DatabaseError as wrong:
            raise DaemonError(
                f"the state {home.path}/cloudflare.sqlite cannot be read ({wrong}); move it away to begin anew"
            ) from None
        self._dataplane = LocalDataPlane(home.path, cache(), options.edge)
        self._cloud = Cloud(self._store, self._dataplane, home.cloudflare_token())
        self._watch: Watch | None = None

    def start(self) -> None:
        try:
            self._dataplane.start()
            if self._options.edge:
                write_bundle(self._home)
            start(self._cloud, self._options.zones)
            if self._options.edge:
                # Who is told that the cloud runs asks a host name next.
                self._cloud.publisher.settle()
        except (ApiError, DataPlaneError) as wrong:
            raise DaemonError(f"Cloudflare's half cannot start: {wrong}") from None
        about = {"home": str(self._home.path), **self._options.known()}
        journal = Journal(self._home.path / "cloudflare-requests.jsonl")
        self._api.start(create_app(self._cloud, journal, about), "cloudflare")
        if self._s3 is not None:
            self._s3.start(s3.create(self._dataplane.store, self._dataplane.objects.keys), "s3")
        edge = EdgePorts(*self._options.edge) if self._options.edge else None
        self._watch = Watch(self._cloud, journal, self._home.path, edge)
        self._watch.start()
        log.info("serving http://127.0.0.1:%d/client/v4", self._options.port)

    def stop(self) -> None:
        for listener in (self._api, self._s3):
            if listener is not None:
                listener.stop()
        if self._watch is not None:
            self._watch.stop()
        self._cloud.close()
        self._dataplane.stop()
        self._store.close()
