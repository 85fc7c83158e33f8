#!/usr/bin/python3 -IB
"""Takes this instance out of the load balancer without losing a request, and waits until it is in (root).

    store-drain [--seconds N]    /health says "draining" at once; waits until the load balancer has noticed and the
                                 requests under way have ended, N seconds at most (60)
    store-drain --undo           /health tells the truth again, and customers come back
    store-drain --joined         waits until the load balancer has found this instance healthy, N seconds at most

Exit code: 0 nobody is being served any more (--joined: customers come); 1 somebody still was when the time was up
(it stays drained; --joined: they do not come, and why).
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import http.client
import io
import json
import os
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

FLAG = Path("/run/store-drain/draining")
ADMIN_SOCKET = "/run/haproxy/admin.sock"
READINESS = ("127.0.0.1", 9100)
NOTICED = 3
"""Failed checks after which the load balancer has taken a target out: its retries and one that was under way."""
NOBODY_SECONDS = 20.0
"""How long a load balancer may take to ask; when it has not by then, there is none that sends customers here."""
WELCOMED = 2
"""Good checks in a row after which the load balancer sends customers: its retries."""
QUIET_SECONDS = 1.0
"""Seconds without a customer after which there is none."""


@dataclass(frozen=True)
class Traffic:
    """`total`: customers' requests so far; `running`: those under way now."""

    total: int
    running: int


def traffic() -> Traffic:
    """Medusa's part of the node proxy's statistics; no proxy, no traffic."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(2)
        admin.connect(ADMIN_SOCKET)
        admin.sendall(b"show stat\n")
        text = b""
        while received := admin.recv(65536):
            text += received
        for row in csv.DictReader(io.StringIO(text.decode().lstrip("# "))):
            if row["pxname"] == "medusa" and row["svname"] == "BACKEND":
                return Traffic(int(row["stot"]), int(row["scur"]) + int(row["qcur"]))
    return Traffic(0, 0)


def noticed() -> int:
    """How often the load balancer has been told; -1 when the readiness service does not answer."""
    return count("noticed")


def count(what: str) -> int:
    """A count of the readiness service; -1 when it does not answer."""
    connection = http.client.HTTPConnection(*READINESS, timeout=2)
    try:
        connection.request("GET", "/drain")
        return int(json.loads(connection.getresponse().read())[what])
    except (OSError, ValueError, http.client.HTTPException):
        return -1
    finally:
        connection.close()


def drain(seconds: float) -> int:
    FLAG.parent.mkdir(mode=0o755, exist_ok=True)
    FLAG.touch(mode=0o644)
    begun = time.monotonic()
    last, quiet_since = traffic(), begun
    while True:
        time.sleep(0.1)
        now, seen = time.monotonic(), traffic()
        if seen.total != last.total or seen.running:
            quiet_since = now
        last = seen
        told = noticed()
        out = told >= NOTICED or now - begun > NOBODY_SECONDS
        # Quiet counts from the moment that no new customer can come; before, a pause is only a pause.
        if out and now - quiet_since >= QUIET_SECONDS:
            how = f"the load balancer noticed (told {told} times)" if told >= NOTICED else "no load balancer asks here"
            print(f"drained in {now - begun:.1f} s: {how}, and no request is under way", flush=True)
            return 0
        if now - begun >= seconds:
            print(f"still {seen.running} requests under way after {seconds:.0f} s; it stays drained", flush=True)
            return 1


def joined(seconds: float) -> int:
    begun = time.monotonic()
    while (seen := count("welcomed")) < WELCOMED:
        if time.monotonic() - begun >= seconds:
            why = {
                -1: "the readiness service does not answer here: journalctl -u medusa-ready",
                0: "it does not ask, or is told that the instance is not well: journalctl -u medusa-ready says which",
            }.get(seen, "it has asked only once")
            print(f"the load balancer sends no customers here after {seconds:.0f} s: {why}", flush=True)
            return 1
        time.sleep(0.1)
    print(f"the load balancer sends customers, after {time.monotonic() - begun:.1f} s", flush=True)
    return 0


def undo() -> int:
    FLAG.unlink(missing_ok=True)
    print("customers come again", flush=True)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--undo", action="store_true")
    parser.add_argument("--joined", action="store_true")
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("only root can do this: use sudo", file=sys.stderr)
        return 2
    if arguments.joined:
        return joined(arguments.seconds)
    return undo() if arguments.undo else drain(arguments.seconds)


if __name__ == "__main__":
    sys.exit(main())
