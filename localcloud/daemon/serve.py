"""The daemon itself, in the foreground: state, machines, API, and their end in the right order."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sqlite3
import sys
import time

from localcloud.daemon import backends
from localcloud.daemon.home import DaemonError, Home
from localcloud.machines.interface import MachineError

log = logging.getLogger("localcloud.daemon")
DRAIN = 60.0
"""Seconds that work on machines may still take once the daemon was asked to end."""


def listen(port: int) -> socket.socket:
    """A socket on loopback only. Raises if the port is taken."""
    # The protocol is named because asyncio only turns Nagle's algorithm off where it is: 40 ms a request otherwise.
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind(("127.0.0.1", port))
    except OSError as wrong:
        server.close()
        if isinstance(wrong, PermissionError):
            raise DaemonError(f"port {port} needs root; choose one above 1023 with --port") from None
        raise DaemonError(
            f"port {port} is taken by another program; choose another one: python -m localcloud start --port {port + 1}"
        ) from None
    return server


def _leave(number: int, frame: object) -> None:
    raise SystemExit(0)


def serve(home: Home, port: int, machines_name: str, per_hour: int) -> None:
    """Serve until SIGTERM or SIGINT. The machines end with the daemon; killed, it leaves them running."""
    lock = home.lock()
    backends.check(machines_name)
    server = listen(port)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    home.pid.write_text(f"{os.getpid()}\n")
    home.about.write_text(json.dumps({"pid": os.getpid(), "port": port, "machines": machines_name}) + "\n")

    # Here, not above: `status` and `stop` start fast without them.
    import uvicorn

    from localcloud.hetzner.app import create_app
    from localcloud.hetzner.catalogue import Catalogue
    from localcloud.hetzner.cloud import Cloud
    from localcloud.hetzner.journal import Journal
    from localcloud.hetzner.limits import RateLimit
    from localcloud.hetzner.resume import resume
    from localcloud.hetzner.store import Store
    from localcloud.hetzner.watch import PowerWatch

    try:
        store = Store(home.state)
    except sqlite3.DatabaseError as wrong:
        raise DaemonError(f"the state {home.state} cannot be read ({wrong}); move it away to begin anew") from None
    try:
        machines = backends.create(machines_name, home)
    except MachineError as wrong:
        raise DaemonError(f"this host cannot run machines: {wrong}") from None
    cloud = Cloud(store, machines, Catalogue())
    watch = PowerWatch(cloud)
    # uvicorn raises the signal again once it has ended: it must find a handler, or the process dies without a clean-up.
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, _leave)
    try:
        began = time.monotonic()
        resume(cloud)
        log.info("machines are as the state has them, after %.1f s", time.monotonic() - began)
        watch.start()
        about = {"home": str(home.path), "pid": os.getpid(), "port": port, "machines": machines_name}
        app = create_app(cloud, home.token(), RateLimit(per_hour), Journal(home.journal), about)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=5,
            loop="asyncio",
            ws="none",
        )
        log.info("serving http://127.0.0.1:%d/v1 from %s", port, home.path)
        server.listen(128)
        uvicorn.Server(config).run(sockets=[server])
    except MachineError as wrong:
        raise DaemonError(f"the machines cannot start: {wrong}") from None
    finally:
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: None)
        if watch.started:
            watch.close()
        if not cloud.workers.wait_idle(DRAIN):
            log.warning("work on machines did not end within %.0f s", DRAIN)
        cloud.workers.close()
        machines.stop()
        store.close()
        home.pid.unlink(missing_ok=True)
        lock.close()
        log.info("ended")
