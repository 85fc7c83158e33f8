"""Machines outlive the daemon that started them, and nothing outlives a stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from localcloud.machines import images, services
from localcloud.machines.driver import NspawnMachines
from localcloud.machines.instance import load
from localcloud.machines.interface import (
    Desired,
    FirewallRule,
    HealthCheck,
    LoadBalancerSpec,
    ServerSpec,
    Service,
    Target,
    VolumeSpec,
)
from localcloud.machines.leftovers import leftovers
from localcloud.machines.processes import members
from tests.e2e.machines.lab import NETWORK, Lab, until

DAEMON = """
import pickle, sys, time
from pathlib import Path
from localcloud.machines.driver import NspawnMachines
home, cache, desired = sys.argv[1:]
machines = NspawnMachines(Path(home), Path(cache))
machines.start(pickle.loads(Path(desired).read_bytes()))
print("started", flush=True)
time.sleep(600)
"""


def daemon(home: Path, desired: Desired) -> subprocess.Popen[str]:
    """A process of its own with the machine layer, started."""
    import pickle

    path = home / "desired"
    home.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps(desired))
    process = subprocess.Popen(
        [sys.executable, "-c", DAEMON, str(home), str(images.default_cache()), str(path)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "started\n"
    return process


def desired_of(machines: NspawnMachines, key: Path) -> tuple[Desired, ServerSpec, LoadBalancerSpec]:
    server = ServerSpec(
        id=1, name="kept", image="debian-13", cores=2, memory_gib=2.0, disk_gb=20,
        ssh_keys=(key.with_suffix(".pub").read_text().strip(),), public_ipv4=machines.public_ipv4_pool[10],
        user_data="#cloud-config\nruncmd: ['systemd-run -q --unit=web python3 -m http.server 8000 -d /etc/ssh']\n",
    )  # fmt: skip
    check = HealthCheck("http", 8000, 3, 2, 1)
    balancer = LoadBalancerSpec(
        1, "lb", "round_robin", 1000, machines.public_ipv4_pool[20], 1, IPv4Address("10.0.4.1"),
        (Service("http", 80, 8000, False, check),), (Target("server:1", IPv4Address("10.0.1.1"), True),),
    )  # fmt: skip
    rule = FirewallRule("in", "tcp", ("0.0.0.0/0",), "22")
    desired = Desired(
        networks=[NETWORK], servers=[server], running=frozenset([1]), nics={1: [Lab.nic(server, "10.0.1.1")]},
        firewalls={1: [rule]}, volumes=[VolumeSpec(1, 10, "ext4")], attached={1: 1}, load_balancers=[balancer],
    )  # fmt: skip
    return desired, server, balancer


def test_machines_and_balancers_run_on_without_the_daemon_and_are_adopted_by_the_next(
    tmp_path: Path, key: Path
) -> None:
    # Incident: the daemon dies in the night; the next one boots everything anew, or leaves what it cannot see.
    home = tmp_path / "home"
    machines = NspawnMachines(home, images.default_cache())
    desired, server, balancer = desired_of(machines, key)
    lab = Lab(machines, home, key)
    process = daemon(home, desired)
    try:
        lab.await_ssh(server)

        def answers() -> bool:
            try:
                with urllib.request.urlopen(f"http://{balancer.public_ipv4}/", timeout=2) as answer:
                    return bool(answer.status == 200)
            except OSError:
                return False

        until(answers, "the balancer serves")
        boot = lab.ssh(server, "cat /proc/sys/kernel/random/boot_id")
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert answers() and lab.ssh(server, "cat /proc/sys/kernel/random/boot_id") == boot
        # A reboot asked for while there is no daemon.
        lab.ssh(server, "systemd-run -q --no-block systemctl reboot", check=False)
        until(lambda: lab.ssh(server, "cat /proc/sys/kernel/random/boot_id", check=False) not in ("", boot), "reboot")
        assert "10.0.1.1/32" in lab.ssh(server, "ip -o -4 addr show enp7s0")
        boot = lab.ssh(
            server, "cat /proc/sys/kernel/random/boot_id; systemd-run -q --unit=web python3 -m http.server 8000"
        )
        instance = load(home, images.default_cache())
        haproxy = members(f"{instance.prefix}/l1")

        machines.start(desired)
        assert lab.ssh(server, "cat /proc/sys/kernel/random/boot_id") == boot
        assert members(f"{instance.prefix}/l1") == haproxy
        until(lambda: machines.health(1) == {("server:1", 80): "healthy"}, "health is known to the new daemon")
        assert lab.ssh(server, "curl -sf http://169.254.169.254/hetzner/v1/metadata/hostname") == "kept"
        assert lab.ssh(server, "ls /dev/disk/by-id") == "scsi-0HC_Volume_1"

        for number in members(services.group(instance)):
            os.kill(number, signal.SIGKILL)
        until(lambda: lab.ssh(server, "curl -sf -m 1 http://169.254.169.254/hetzner/v1/metadata/hostname", check=False)
              == "kept", "the services come back by themselves")  # fmt: skip

        machines.stop()
        assert leftovers(home) == []
        machines.start(desired)
        lab.await_ssh(server)
        machines.start(Desired())
        assert not (instance.server_folder(1)).exists()
        assert members(f"{instance.prefix}/s1") == []
    finally:
        process.kill()
        machines.stop()
    assert leftovers(home) == []


@pytest.mark.parametrize("after", [0.0, 0.15, 0.4, 0.8, 1.5])
def test_stop_leaves_nothing_whenever_the_daemon_was_killed(tmp_path: Path, key: Path, after: float) -> None:
    # Incident: a test run that was interrupted leaves mounts and namespaces, and the next one fails on them.
    home = tmp_path / "home"
    machines = NspawnMachines(home, images.default_cache())
    desired, _, _ = desired_of(machines, key)
    import pickle

    path = home / "desired"
    path.write_bytes(pickle.dumps(desired))
    process = subprocess.Popen(
        [sys.executable, "-c", DAEMON, str(home), str(images.default_cache()), str(path)],
        stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    until(lambda: Path("/sys/class/net", load(home, images.default_cache()).leg).exists(), "it has begun")
    time.sleep(after)
    process.kill()
    process.wait()
    NspawnMachines(home, images.default_cache()).stop()
    assert leftovers(home) == []


def test_two_instances_do_not_touch_each_other(tmp_path: Path, lab: Lab, key: Path) -> None:
    # Incident: stopping one checkout's cloud takes the other's servers down.
    server = lab.create("mine")
    other = NspawnMachines(tmp_path / "other", images.default_cache())
    desired, theirs, _ = desired_of(other, key)
    assert not other.public_ipv4_pool.overlaps(lab.machines.public_ipv4_pool)
    other.start(desired)
    try:
        Lab(other, tmp_path, key).await_ssh(theirs)
        assert "100% packet loss" in lab.ssh(server, f"ping -c1 -W1 {theirs.public_ipv4}", check=False)
    finally:
        other.stop()
    assert leftovers(tmp_path / "other") == []
    assert lab.ssh(server, "hostname") == "mine"
