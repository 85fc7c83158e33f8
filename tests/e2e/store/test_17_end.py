"""The end: destroy leaves nothing in the cloud, and stopping the cloud leaves nothing on the machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.e2e.store.checkout import Checkout, eventually

COLLECTIONS = (
    "servers", "networks", "firewalls", "volumes", "load_balancers", "primary_ips", "placement_groups", "ssh_keys",
)  # fmt: skip


def test_destroy_leaves_nothing_in_the_cloud(store: Checkout) -> None:
    """What is forgotten is billed."""
    store.shell("pulumi destroy --yes --skip-preview --non-interactive --color never -s local")
    with store.api() as api:
        left = {name: api.get(f"/v1/{name}").json()[name] for name in COLLECTIONS}
    assert {name: [one["name"] for one in found] for name, found in left.items() if found} == {}


def test_status_of_a_destroyed_stack_is_a_sentence(store: Checkout) -> None:
    """After the end, and before the beginning, there is nothing to show and a way to go on."""
    ran = store.run("scripts/store", "status", check=False)
    assert ran.code == 3 and "not up" in ran.stderr and "scripts/up" in ran.stderr


def test_stopping_the_daemon_leaves_nothing_on_the_machine(store: Checkout) -> None:
    """A laptop that tried the store out once must not carry its machines, mounts and addresses for ever."""
    store.shell("python -m localcloud stop")
    eventually("no process of the cloud is left", lambda: not processes(store.cloud), 15)
    assert mounts(store.cloud) == [] and loops(store.cloud) == []
    store.run(".venv/bin/python", "-m", "localcloud.machines.leftovers", str(store.cloud))


def processes(home: Path) -> list[str]:
    """Command lines of processes that name the home, or whose root or working directory lies in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            places = [os.readlink(entry / "cwd"), os.readlink(entry / "root")]
        except OSError:
            continue
        if str(home) in line or any(place.startswith(str(home)) for place in places):
            found.append(f"{entry.name} {line}")
    return found


def mounts(home: Path) -> list[str]:
    """What is mounted below the home."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line for line in lines if str(home) in line]


def loops(home: Path) -> list[str]:
    """Block devices whose backing file lies in the home."""
    listed = subprocess.run(["losetup", "--list", "--noheadings"], capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if str(home) in line]
