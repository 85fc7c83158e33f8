"""A server boots as it was ordered."""

from __future__ import annotations

import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv6Network
from pathlib import Path

import pytest

from localcloud.machines import netns
from localcloud.machines.interface import ServerSpec
from tests.e2e.machines.lab import Lab, until

FIRST_BOOT = """\
#cloud-config
ssh_keys:
  ed25519_private: |
{private}
  ed25519_public: {public}
users:
  - name: deploy
    shell: /bin/bash
    sudo: ALL=(ALL) NOPASSWD:ALL
    ssh_authorized_keys: ['{operator}']
write_files:
  - path: /etc/greeting
    content: hello
runcmd:
  - [sh, -c, 'cat /etc/greeting > /etc/answer']
"""


@pytest.fixture(scope="module")
def host_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("host") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
    return path


@pytest.mark.parametrize("image", ["debian-13", "debian-12"])
def test_first_boot_data_is_honoured_and_the_host_key_is_the_ordered_one(
    lab: Lab, host_key: Path, tmp_path: Path, image: str
) -> None:
    # Incident: a host key made on the server cannot be pinned, and the first connection trusts whoever answers.
    public = host_key.with_suffix(".pub").read_text().strip()
    operator = lab.key.with_suffix(".pub").read_text().strip()
    private = "".join(f"    {line}\n" for line in host_key.read_text().splitlines())
    user_data = FIRST_BOOT.format(private=private.rstrip("\n"), public=public, operator=operator)
    server = lab.create(f"first-{image}", image=image, user_data=user_data, memory_gib=2.0)
    known = tmp_path / "known_hosts"
    known.write_text(f"{server.public_ipv4} {public}\n")
    command = ["ssh", "-i", str(lab.key), "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes",
               "-o", "BatchMode=yes", f"deploy@{server.public_ipv4}",
               "sudo cloud-init status --wait; cat /etc/answer"]  # fmt: skip
    until(lambda: subprocess.run([*command[:-1], "true"], capture_output=True, check=False).returncode == 0, "deploy")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    assert "status: done" in done.stdout and done.stdout.strip().endswith("hello")
    # "degraded done" is exit status 2: whoever waits for the first boot would take it for a failure.
    assert lab.ssh(server, "cloud-init status; echo $?").endswith("0")
    assert lab.ssh(server, "hostname") == f"first-{image}"
    assert lab.ssh(server, "cat /run/cloud-init/.instance-id") == str(server.id)
    total = int(lab.ssh(server, "awk '/MemTotal/ {print $2}' /proc/meminfo"))
    assert total == 2 * 1024 * 1024
    assert lab.ssh(server, "ip -o -4 addr show dev eth0 | awk '{print $4}'") == f"{server.public_ipv4}/32"
    assert lab.ssh(server, "systemctl is-system-running") == "running"


def test_several_servers_at_once_come_up_and_go(lab: Lab) -> None:
    # Incident: `pulumi up` creates a tier at once, and two boots get in each other's way.
    specs = [lab.spec(f"many-{number}") for number in range(4)]

    def create(spec: ServerSpec) -> str:
        lab.machines.create_server(spec)
        lab.await_ssh(spec)
        return lab.ssh(spec, "hostname")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(create, specs)) == [spec.name for spec in specs]
    for spec in specs:
        lab.machines.delete_server(spec.id)
        assert not lab.machines.is_running(spec.id)


def test_metadata_is_told_to_the_server_that_asks(lab: Lab) -> None:
    # Incident: a service that answers everyone with the same server's data hands one server's secrets to another.
    one = lab.create("meta-one", private="10.0.9.1", user_data="#cloud-config\n# secret of one\n{}\n")
    two = lab.create("meta-two")
    base = "curl -sf http://169.254.169.254/hetzner/v1"
    assert lab.ssh(one, f"{base}/metadata/instance-id") == str(one.id)
    assert lab.ssh(two, f"{base}/metadata/instance-id") == str(two.id)
    assert "secret of one" in lab.ssh(one, f"{base}/userdata")
    assert "secret of one" not in lab.ssh(two, f"{base}/userdata", check=False)
    networks = lab.ssh(one, f"{base}/metadata/private-networks")
    assert "ip: 10.0.9.1" in networks and "network_name: store" in networks and "gateway: 10.0.0.1" in networks


def test_packages_come_from_the_cache_and_nothing_else_leaves(lab: Lab) -> None:
    # Incidents: a tier's bootstraps download the same files three times; a machine reaches the internet by mistake.
    server = lab.create("fetch")
    lab.ssh(server, "apt-get update -q", timeout=60)
    lab.ssh(server, "DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends pv", timeout=60)
    other = lab.create("fetch-again")
    store = lab.machines.cache / "packages"
    before = {path.name for path in store.iterdir()}
    lab.ssh(other, "DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends pv", timeout=60)
    assert {path.name for path in store.iterdir()} == before
    # Refused at once (curl's 7), not left to time out (28).
    assert lab.ssh(other, "curl -s -m 5 http://192.0.2.77:8080; echo $?") == "7"
    assert lab.ssh(other, "curl -s -m 5 http://$(ip route | awk '/default/ {print $3}'):22; echo $?") == "7"
    assert "100% packet loss" in lab.ssh(other, "ping -c1 -W2 192.0.2.77", check=False)
    # The host's own services are not for machines, by none of its addresses.
    leg = lab.ssh(other, "echo $SSH_CLIENT").split()[0]
    assert lab.ssh(other, f"curl -s -m 5 http://{leg}:22; echo $?") == "7"


def test_public_ipv6_reaches_the_server(lab: Lab) -> None:
    # Incident: an AAAA record points at an address that the API gave and nobody answers.
    if not netns.has_ipv6():
        pytest.skip("the host has IPv6 switched off")
    first = int(lab.machines.public_ipv6_pool.network_address)
    network = IPv6Network((first + (5 << 64), 64))
    server = lab.create("six", public_ipv6=network)
    until(lambda: _greets(str(network[1])), "SSH by IPv6")
    assert lab.ssh(server, "curl -s -m 3 -6 http://[2001:db8::1]/; echo $?") == "7"


def _greets(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def test_server_without_public_addresses_has_its_network_when_it_boots(lab: Lab) -> None:
    # Incident: a private database server boots before its interface is there, and what binds to its address fails.
    private = lab.spec("private", public_ipv4=None, user_data="#cloud-config\nruncmd: ['ip -o -4 addr > /root/seen']\n")
    lab.machines.prepare_server(private)
    assert not lab.machines.is_running(private.id)
    lab.machines.attach_network(private.id, lab.nic(private, "10.0.77.1"))
    lab.machines.power_on(private.id)
    peer = lab.create("private-peer", private="10.0.77.2")
    greeting = "exec 3<>/dev/tcp/10.0.77.1/22 && head -c4 <&3"
    until(lambda: lab.ssh(peer, f"timeout 2 bash -c '{greeting}'", check=False) == "SSH-", "SSH by the private network")
    folder = lab.home / "machines" / "servers" / str(private.id) / "disk" / "root"
    until((folder / "root/seen").exists, "first boot is done")
    seen = (folder / "root/seen").read_text()
    assert "10.0.77.1/32" in seen and "eth0" not in seen
