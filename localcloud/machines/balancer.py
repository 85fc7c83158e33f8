"""Load balancers: HAProxy in a namespace of its own, with a leg in the hub and one in a private network."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from localcloud.machines import disks, haproxy, host, netns, network, processes
from localcloud.machines.commands import run
from localcloud.machines.instance import Instance
from localcloud.machines.interface import HealthStatus, LoadBalancerSpec, MachineError, PrivateNic

SUPERVISOR = 'while :; do "$@"; sleep 0.2; done'
"""HAProxy's master ends with its worker; the shell starts it again."""
RELOAD_SECONDS = 15.0
_samples: dict[tuple[str, int], tuple[float, float, float]] = {}
"""(instance, load balancer) → time, bytes in and bytes out of the last look, for the bandwidth."""


def group(instance: Instance, load_balancer_id: int) -> str:
    return f"{instance.prefix}/l{load_balancer_id}"


def folder_of(instance: Instance, load_balancer_id: int) -> Path:
    return instance.folder / "balancers" / str(load_balancer_id)


def socket_path(instance: Instance, load_balancer_id: int) -> Path:
    """Below /run, since the path of a socket may have no more than about a hundred characters."""
    return instance.run_folder / f"l{load_balancer_id}.sock"


def port_name(load_balancer_id: int) -> str:
    return f"l{load_balancer_id}"


def apply(instance: Instance, spec: LoadBalancerSpec) -> None:
    """Make the load balancer as ``spec`` says. What serves already goes on serving; removed targets may finish."""
    folder = folder_of(instance, spec.id)
    folder.mkdir(parents=True, exist_ok=True)
    instance.run_folder.mkdir(parents=True, exist_ok=True)
    _plug(instance, spec)
    _write_certificates(folder / "certificates", spec)
    text = haproxy.render(
        spec,
        socket=socket_path(instance, spec.id),
        state=folder / "state",
        certificates=folder / "certificates",
    )
    mark = _mark(text, folder / "certificates")
    text = text.replace("global\n", f"global\n    description {mark}\n", 1)
    if _running_mark(instance, spec.id) == mark:
        return
    (folder / "state").write_text(haproxy.initial_state(spec, _state(instance, spec.id)))
    fresh = folder / "haproxy.cfg.new"
    fresh.write_text(text)
    run(["haproxy", "-c", "-q", "-f", fresh])
    fresh.rename(folder / "haproxy.cfg")
    _load(instance, spec.id)
    deadline = time.monotonic() + RELOAD_SECONDS
    while _running_mark(instance, spec.id) != mark:
        if time.monotonic() > deadline:
            log = (folder / "haproxy.log").read_text(errors="replace")[-500:]
            raise MachineError(f"load balancer {spec.name} does not take its configuration: {log}")
        time.sleep(0.02)


def _mark(text: str, certificates: Path) -> str:
    """Names a configuration with all that it reads, so that one can see which the running process has."""
    digest = hashlib.sha256(text.encode())
    for path in sorted(certificates.rglob("*.pem")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _plug(instance: Instance, spec: LoadBalancerSpec) -> None:
    """Make the namespace's interfaces those of ``spec``; one that is right stays plugged, with its connections."""
    name, port, folder = instance.balancer_namespace(spec.id), port_name(spec.id), folder_of(instance, spec.id)
    if netns.ensure(name):
        run(["ip", "-n", name, "link", "set", "lo", "up"])
        for note in ("public", "private"):
            (folder / note).unlink(missing_ok=True)
    public = str(spec.public_ipv4 or "")
    if _note(folder / "public") != public:
        host.unplug(instance.hub, port)
        if public:
            host.plug_public(instance, name, port, public, None, network.public_mac(0x80000000 | spec.id))
        (folder / "public").write_text(public)
    private = f"{spec.network_id} {spec.private_ip}" if spec.network_id and spec.private_ip else ""
    before = _note(folder / "private")
    if before != private:
        if before:
            host.unplug(instance.network_namespace(int(before.split()[0])), port)
        if spec.network_id and spec.private_ip:
            mac = "86:00:" + ":".join(f"{byte:02x}" for byte in (0x80000000 | spec.id).to_bytes(4, "big"))
            nic = PrivateNic(spec.network_id, spec.private_ip, mac)
            network.plug_private(instance, name, port, network.interface_name(0), nic)
        (folder / "private").write_text(private)


def _note(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _write_certificates(folder: Path, spec: LoadBalancerSpec) -> None:
    """One directory for each HTTPS service, since HAProxy takes all certificates of a directory."""
    shutil.rmtree(folder, ignore_errors=True)
    for service in spec.services:
        if service.protocol != "https":
            continue
        place = folder / str(service.listen_port)
        place.mkdir(parents=True, mode=0o700)
        for certificate in service.certificates:
            descriptor = os.open(place / f"{certificate.id}.pem", os.O_WRONLY | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(f"{certificate.certificate.strip()}\n{certificate.private_key.strip()}\n")


def _master(instance: Instance, load_balancer_id: int) -> int:
    """HAProxy's master process; 0 when there is none."""
    members = processes.members(group(instance, load_balancer_id))
    haproxies = {process for process in members if processes.command_name(process) == "haproxy"}
    inner = {child for process in haproxies for child in processes.children(process)}
    return min(haproxies - inner, default=0)


def _load(instance: Instance, load_balancer_id: int) -> None:
    """Let the running master read the configuration again, or start it."""
    if master := _master(instance, load_balancer_id):
        os.kill(master, signal.SIGUSR2)
        return
    folder, name = folder_of(instance, load_balancer_id), group(instance, load_balancer_id)
    processes.end(name)
    processes.spawn(
        name,
        ["nsenter", f"--net=/run/netns/{instance.balancer_namespace(load_balancer_id)}", "/bin/sh", "-c", SUPERVISOR,
         f"balancer-{load_balancer_id}", "haproxy", "-W", "-q", "-f", str(folder / "haproxy.cfg")],
        folder / "haproxy.log",
    )  # fmt: skip


def _ask(instance: Instance, load_balancer_id: int, command: str) -> str:
    """HAProxy's answer to a command; empty when it does not run."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(5.0)
            client.connect(str(socket_path(instance, load_balancer_id)))
            client.sendall(f"{command}\n".encode())
            chunks = []
            while chunk := client.recv(65536):
                chunks.append(chunk)
            return b"".join(chunks).decode(errors="replace")
    except OSError:
        return ""


def _running_mark(instance: Instance, load_balancer_id: int) -> str:
    for line in _ask(instance, load_balancer_id, "show info").splitlines():
        if line.startswith("description:"):
            return line.partition(":")[2].strip()
    return ""


def _state(instance: Instance, load_balancer_id: int) -> str:
    return _ask(instance, load_balancer_id, "show servers state")


def _rows(instance: Instance, load_balancer_id: int) -> list[dict[str, str]]:
    text = _ask(instance, load_balancer_id, "show stat").lstrip("# ")
    return list(csv.DictReader(io.StringIO(text)))


def health(instance: Instance, spec: LoadBalancerSpec) -> Mapping[tuple[str, int], HealthStatus]:
    """(target key, listen port) → health as HAProxy sees it at this moment."""
    states: dict[tuple[str, str], HealthStatus] = {}
    for row in _rows(instance, spec.id):
        status: HealthStatus = "healthy" if row["status"].startswith("UP") else "unhealthy"
        unchecked = row["check_status"].lstrip("* ") in ("", "UNK", "INI") and status == "unhealthy"
        states[row["pxname"], row["svname"]] = "unknown" if unchecked else status
    return {
        (target.key, service.listen_port): states.get(
            (haproxy.backend_name(service), haproxy.server_name(target)), "unknown"
        )
        for service in spec.services
        for target in spec.targets
    }


def metrics(instance: Instance, load_balancer_id: int) -> Mapping[str, float]:
    """Connections open and per second, requests per second, and bytes per second each way since the last call."""
    fronts = [row for row in _rows(instance, load_balancer_id) if row["svname"] == "FRONTEND"]

    def total(column: str) -> float:
        return float(sum(int(row[column] or 0) for row in fronts))

    now, inward, outward = time.monotonic(), total("bin"), total("bout")
    then, inward_then, outward_then = _samples.get((instance.id, load_balancer_id), (now, inward, outward))
    _samples[instance.id, load_balancer_id] = (now, inward, outward)
    seconds = max(now - then, 1.0)
    return {
        "open_connections": total("scur"),
        "connections_per_second": total("rate"),
        "requests_per_second": total("req_rate"),
        "bandwidth.in": max(inward - inward_then, 0.0) / seconds,
        "bandwidth.out": max(outward - outward_then, 0.0) / seconds,
    }


def ids(instance: Instance) -> list[int]:
    folder = instance.folder / "balancers"
    return sorted(int(entry.name) for entry in folder.iterdir()) if folder.is_dir() else []


def delete(instance: Instance, load_balancer_id: int) -> None:
    release(instance, load_balancer_id)
    disks.trash(instance.folder, folder_of(instance, load_balancer_id))
    _samples.pop((instance.id, load_balancer_id), None)


def release(instance: Instance, load_balancer_id: int) -> None:
    """End the load balancer's processes and take its namespace away; its folder stays."""
    processes.end(group(instance, load_balancer_id))
    socket_path(instance, load_balancer_id).unlink(missing_ok=True)
    host.unplug(instance.hub, port_name(load_balancer_id))
    before = _note(folder_of(instance, load_balancer_id) / "private")
    if before:
        host.unplug(instance.network_namespace(int(before.split()[0])), port_name(load_balancer_id))
    netns.remove(instance.balancer_namespace(load_balancer_id))


def release_all(instance: Instance) -> None:
    for load_balancer_id in ids(instance):
        release(instance, load_balancer_id)
