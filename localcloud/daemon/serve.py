"""The daemon itself, in the foreground: state, machines, API, and their end in the right order."""

from __future__ import annotations

import json
import logging
import os
import signal
import sqlite3
import sys
import time
from typing import TYPE_CHECKING, Any

from localcloud.common.identity import account_id
from localcloud.daemon import backends, ports, sources
from localcloud.daemon.home import CloudflareOptions, DaemonError, Home
from localcloud.daemon.sockets import listen, serving
from localcloud.machines.interface import MachineError

if TYPE_CHECKING:
    from localcloud.daemon.cloudflare import CloudflareServer

log = logging.getLogger("localcloud.daemon")
DRAIN = 60.0
"""Seconds that work on machines may still take once the daemon was asked to end."""


def _leave(number: int, frame: object) -> None:
    raise SystemExit(0)


def _cloudflare(home: Home, options: CloudflareOptions) -> CloudflareServer:
    from localcloud.daemon.cloudflare import CloudflareServer

    return CloudflareServer(home, options)


def serve(
    home: Home, port: int, machines_name: str, per_hour: int, cloudflare: CloudflareOptions | None = None
) -> None:
    """Serve until SIGTERM or SIGINT. The machines end with the daemon; killed, it leaves them running."""
    lock = home.lock()
    code = sources.digest()
    backends.check(machines_name)
    ports.check(ports.of(port, cloudflare))
    server = listen(port)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    home.pid.write_text(f"{os.getpid()}\n")
    known: dict[str, Any] = {"pid": os.getpid(), "port": port, "machines": machines_name}
    if cloudflare is not None:
        known |= {**cloudflare.known(), "account_id": account_id(home.cloudflare_token())}
    home.about.write_text(json.dumps(known) + "\n")

    # Here, not above: `status` and `stop` start fast without them.
    from localcloud.common.journal import Journal
    from localcloud.hetzner.app import create_app
    from localcloud.hetzner.catalogue import Catalogue
    from localcloud.hetzner.cloud import Cloud
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
    other = _cloudflare(home, cloudflare) if cloudflare else None
    # uvicorn raises the signal again once it has ended: it must find a handler, or the process dies without a clean-up.
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, _leave)
    try:
        began = time.monotonic()
        resume(cloud)
        log.info("machines are as the state has them, after %.1f s", time.monotonic() - began)
        watch.start()
        if other is not None:
            other.start()
        about = {"home": str(home.path), "pid": os.getpid(), "port": port, "machines": machines_name, "code": code}
        app = create_app(cloud, home.token(), RateLimit(per_hour), Journal(home.journal), about)
        log.info("serving http://127.0.0.1:%d/v1 from %s", port, home.path)
        server.listen(128)
        serving(app).run(sockets=[server])
    except MachineError as wrong:
        raise DaemonError(f"the machines cannot start: {wrong}") from None
    finally:
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: None)
        if other is not None:
            other.stop()
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
