"""Starting, stopping and looking at a home's daemon from outside."""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from localcloud.daemon import backends, ports, remains
from localcloud.daemon.home import CloudflareOptions, DaemonError, Home
from localcloud.machines.interface import MachineError

START_TIMEOUT = 300.0
STOP_TIMEOUT = 180.0
"""Seconds; ending machines takes a few, each of them is waited for."""
POLL = 0.05


def ask(port: int) -> dict[str, Any] | None:
    """What the daemon on ``port`` says about itself, or None if none answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/_localcloud/about")
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return answer


def start(
    home: Home, port: int | None, machines: str, per_hour: int, cloudflare: CloudflareOptions | None = None
) -> dict[str, Any]:
    """Start a daemon in the background and wait until its API answers. One that runs already is left as it is."""
    home.make()
    if home.running() is not None:
        found = _wait_until_it_answers(home, None)
        _check_served(home, cloudflare)
        return {**found, "already": True}
    backends.check(machines)
    wanted = home.port(port)
    remains.end(home.path)
    ports.check(ports.of(wanted, cloudflare))
    home.token()
    command = [sys.executable, "-m", "localcloud", "start", "--foreground", "--home", str(home.path)]
    command += ["--port", str(wanted), "--machines", machines, "--rate-limit", str(per_hour)]
    if cloudflare is not None:
        home.cloudflare_token()
        command += cloudflare.arguments()
    with home.log.open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, close_fds=True
        )
    return {**_wait_until_it_answers(home, process), "already": False}


def _check_served(home: Home, cloudflare: CloudflareOptions | None) -> None:
    """Raise if the daemon that runs does not serve what is asked for now."""
    if cloudflare is None:
        return
    last = home.last()
    asked = {"Cloudflare": cloudflare.port, "the edge": cloudflare.edge, "R2 by S3": cloudflare.s3}
    served = {"Cloudflare": "cloudflare_port", "the edge": "edge_ports", "R2 by S3": "s3_port"}
    lacking = [name for name, wanted in asked.items() if wanted and not last.get(served[name])]
    zones = [f"the zone {zone}" for zone in cloudflare.zones if zone not in (last.get("zones") or ())]
    if lacking or zones:
        raise DaemonError(
            f"the daemon that runs in {home.path} serves Hetzner's API without {', '.join(lacking or zones)}; start it "
            "anew (servers keep their disks): python -m localcloud stop, then the same command again"
        )


def _wait_until_it_answers(home: Home, process: subprocess.Popen[bytes] | None) -> dict[str, Any]:
    end = time.monotonic() + START_TIMEOUT
    told = time.monotonic()
    while time.monotonic() < end:
        found = ask(int(home.last().get("port", 0)))
        if found is not None and found.get("home") == str(home.path):
            return found
        # Another `start` may have been faster: then its daemon is the one to wait for.
        if process is not None and process.poll() is not None and home.running() is None:
            raise DaemonError(f"the daemon ended while starting:\n{_tail(home)}\nThe whole log is in {home.log}")
        if process is None and home.running() is None:
            raise DaemonError(f"the daemon that ran in {home.path} has just ended; start it again")
        if time.monotonic() - told > 10:
            told = time.monotonic()
            print(f"waiting for the machines of {home.path} (see {home.log})", file=sys.stderr, flush=True)
        time.sleep(POLL)
    raise DaemonError(f"the API did not answer within {START_TIMEOUT:.0f} s; see {home.log}")


def _tail(home: Home, lines: int = 5) -> str:
    """The end of the log, without the frames of tracebacks."""
    try:
        text = home.log.read_text(errors="replace").splitlines()
    except OSError:
        return "  (no log)"
    said = [line for line in text if line.strip() and not line.startswith((" ", "Traceback"))]
    return "\n".join(f"  {line}" for line in said[-lines:])


def stop(home: Home) -> str:
    """End the daemon and all its machines; after a kill of the daemon, end what it left. Says what was done."""
    pid = home.running()
    if pid:
        _end(pid, home)
        return "stopped"
    if not home.path.exists():
        return "nothing to stop"
    remains.end(home.path)
    name = home.last().get("machines")
    if name == "nspawn":
        backends.check(name)
        # The daemon is dead: nobody else knows what is left.
        lock = home.lock()
        try:
            backends.create(name, home).stop()
        except MachineError as wrong:
            raise DaemonError(f"could not remove all that a killed daemon had left: {wrong}") from None
        finally:
            lock.close()
    died = home.pid.exists()
    home.pid.unlink(missing_ok=True)
    return "not running; removed what a killed daemon had left" if died else "not running"


def _end(pid: int, home: Home) -> None:
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(watched, signal.SIGTERM)
        ready, _, _ = select.select([watched], [], [], STOP_TIMEOUT)
    except ProcessLookupError:
        return
    except PermissionError:
        raise DaemonError(f"daemon {pid} belongs to another user; stop it as that user, or with sudo") from None
    finally:
        os.close(watched)
    if not ready:
        raise DaemonError(f"daemon {pid} did not end within {STOP_TIMEOUT:.0f} s; see {home.log}")


def status(home: Home) -> dict[str, Any]:
    """What is known of the home's daemon, whether it runs or not."""
    pid = home.running()
    last = home.last()
    port = int(last.get("port", 0)) or home.port()
    found: dict[str, Any] = {
        "running": pid is not None,
        "pid": pid,
        "home": str(home.path),
        "endpoint": f"http://127.0.0.1:{port}/v1",
        "port": port,
        "machines": last.get("machines"),
        "log": str(home.log),
    }
    found |= _cloudflare(home, last)
    if pid is not None:
        about = ask(port)
        found["answers"] = about is not None
        found["memory_mb"] = _memory(pid)
        found["resources"] = (about or {}).get("resources", {})
    return found


def _cloudflare(home: Home, last: dict[str, Any]) -> dict[str, Any]:
    """What the Cloudflare half was last started with; nothing where it was not."""
    if "cloudflare_port" not in last:
        return {}
    from localcloud.cloudflare.images.assemble import account_hash

    account = last["account_id"]
    found: dict[str, Any] = {
        "cloudflare": {
            "endpoint": f"http://127.0.0.1:{last['cloudflare_port']}/client/v4",
            "accountId": account,
            "imagesHash": account_hash(account),
            "zones": last["zones"],
        }
    }
    if last.get("edge_ports"):
        http, https = last["edge_ports"]
        found |= {"edge": {"http": http, "https": https}, "ca": str(home.authority), "bundle": str(home.bundle)}
    if last.get("s3_port"):
        found["s3"] = {"endpoint": f"http://127.0.0.1:{last['s3_port']}"}
    return found


def _memory(pid: int) -> float | None:
    """Resident memory of a process in MB."""
    with suppress(OSError, ValueError), open(f"/proc/{pid}/status") as lines:
        for line in lines:
            if line.startswith("VmRSS:"):
                return round(int(line.split()[1]) / 1024, 1)
    return None
