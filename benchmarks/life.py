"""A clean checkout from `scripts/up` over 1 → 3 → 1 instances to nothing: times, and memory meanwhile. Needs root."""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hcloud import Client
from hcloud.images import Image
from hcloud.server_types import ServerType

from benchmarks.measure import Peak, children, megabytes, name, show, tree
from tests.e2e.store.checkout import Checkout, eventually, make

AIMS = {"scripts/up": 240.0, "1 to 3": 90.0, "memory": 700.0, "machine": 40.0}


def is_machine(pid: int) -> bool:
    """Whether it is a machine's own process: its memory is the machine's, not the daemon's."""
    return name(pid).startswith("systemd-nspawn") or name(pid) == "haproxy"


def engine(checkout: Checkout) -> Callable[[], list[int]]:
    """The Pulumi CLIs that run in the checkout, with language host and plugins, whatever started them."""

    def find() -> list[int]:
        roots = [
            pid
            for pids in children().values()
            for pid in pids
            if name(pid) == "pulumi" and _folder(pid) == checkout.root
        ]
        return sorted(set(tree(roots)))

    return find


def daemon(checkout: Checkout) -> Callable[[], list[int]]:
    """The embedded cloud without its machines and load balancers."""

    def find() -> list[int]:
        try:
            return tree([checkout.daemon], without=is_machine)
        except (OSError, ValueError):
            return []

    return find


def _folder(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return None


def machine_of_no_role(checkout: Checkout) -> float:
    """MB of all processes of a server that has just booted and has nothing to do."""
    client = Client(checkout.token, api_endpoint=f"http://127.0.0.1:{checkout.port}/v1")
    made = client.servers.create("bare", ServerType(name="cx23"), Image(name="debian-13"))
    made.action.wait_until_finished()
    for action in made.next_actions:
        action.wait_until_finished()

    def processes() -> list[int]:
        supervisors = [pid for pids in children().values() for pid in pids if _is_supervisor(pid, made.server.id)]
        return [pid for root in supervisors for pid in tree([root]) if pid not in supervisors]

    eventually("its processes are there", processes, 30)
    # What cloud-init runs at first boot comes and goes: the machine is at rest when two looks agree.
    last, steady = 0.0, time.monotonic() + 30
    while time.monotonic() < steady:
        now = megabytes(processes())
        if last and abs(now - last) < 0.5:
            break
        last = now
        time.sleep(2)
    found = megabytes(processes())
    made.server.delete()
    return found


def _is_supervisor(pid: int, server: int | None) -> bool:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False
    return name(pid).startswith("systemd-nspawn") and f"{server}" in line


def main() -> None:
    """Run the life, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.life", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="store-benchmark-"))
    checkout = make(folder)
    found: dict[str, float] = {}
    try:
        with Peak({"engine and plugins": engine(checkout), "daemon": daemon(checkout)}) as peak:
            found["scripts/up"] = timed(lambda: checkout.run("scripts/up", timeout=1500))
            found["second scripts/up"] = timed(lambda: checkout.run("scripts/up"))
            for count, label in ((3, "1 to 3"), (1, "3 to 1")):
                checkout.shell(f"pulumi config set medusaInstances {count} -s local")
                found[label] = timed(checkout.up)
        found["memory"] = peak.together
        found |= {f"memory of {part}": value for part, value in peak.each.items()}
        found["machine"] = machine_of_no_role(checkout)
        found["destroy"] = timed(lambda: checkout.shell("pulumi destroy --yes --skip-preview -s local"))
    finally:
        checkout.run(".venv/bin/python", "-m", "localcloud", "stop", check=False)
        shutil.rmtree(folder, ignore_errors=True)
    if asked.json:
        print(json.dumps(found))
        return
    rows = []
    for what, value in found.items():
        unit = "MB" if what.startswith(("memory", "machine")) else "s"
        aim = f"≤ {AIMS[what]:.0f} {unit}" if what in AIMS else ""
        rows.append((what, f"{value:.1f} {unit}", aim))
    show("a life of the local stack", rows)


def timed(act: Callable[[], object]) -> float:
    """Seconds that `act` takes."""
    started = time.monotonic()
    act()
    return time.monotonic() - started


if __name__ == "__main__":
    main()
