"""Network namespaces: make, remove, and do something inside one.

A namespace belongs to a thread, so whatever has to happen inside one runs in a thread of its own that ends with it.
"""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from localcloud.machines.commands import ip_batch, run, succeeds
from localcloud.machines.interface import MachineError

T = TypeVar("T")
CLONE_NEWNET = 0x40000000
FOLDER = Path("/run/netns")

ROUTER_SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/default/send_redirects": "0",
}
ROUTER_SYSCTLS_IPV6 = {
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv6/conf/default/accept_dad": "0",
}


def has_ipv6() -> bool:
    """Whether the host's kernel has IPv6 switched on."""
    try:
        return Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").read_text().strip() == "0"
    except OSError:
        return False


def exists(name: str) -> bool:
    return (FOLDER / name).exists()


def listed() -> list[str]:
    """Names of all namespaces on the host."""
    return sorted(entry.name for entry in FOLDER.iterdir()) if FOLDER.is_dir() else []


def ensure(name: str) -> bool:
    """Make the namespace; whether it is new."""
    if exists(name):
        return False
    run(["ip", "netns", "add", name])
    return True


def remove(name: str) -> None:
    """Remove the namespace and with it every interface, route and rule that is inside."""
    if exists(name) and not succeeds(["ip", "netns", "del", name]) and exists(name):
        raise MachineError(f"network namespace {name} cannot be removed")


def inside(name: str, action: Callable[[], T]) -> T:
    """Run ``action`` in the namespace and return what it returns."""
    result: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            descriptor = os.open(FOLDER / name, os.O_RDONLY | os.O_CLOEXEC)
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(descriptor, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"setns to {name}")
            finally:
                os.close(descriptor)
            result.append(action())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=work, name=f"in-{name}")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]


def write_sysctls(values: Mapping[str, str], name: str | None = None) -> None:
    """Write kernel settings (paths below /proc/sys) in the namespace ``name``, or on the host."""

    def write() -> None:
        for key, value in values.items():
            Path("/proc/sys", key).write_text(value)

    if name is None:
        write()
    else:
        inside(name, write)


def make_router(name: str) -> None:
    """Let the namespace forward between its interfaces, and send nowhere else."""
    write_sysctls(ROUTER_SYSCTLS | (ROUTER_SYSCTLS_IPV6 if has_ipv6() else {}), name)
    lines = ["link set lo up", "route replace unreachable 0.0.0.0/0"]
    ip_batch(name, lines + (["route replace unreachable ::/0 metric 4096"] if has_ipv6() else []))


def quick_arp(device: str) -> str:
    """An ``ip`` command: ask again after 50 ms. A first ARP request is easily lost while a link comes up, and the
    default retry would cost a second of every boot."""
    return f"ntable change name arp_cache dev {device} retrans 50"


def bound_socket(name: str, kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    """A socket of the namespace bound to ``address:port``, usable from the caller's own namespace."""

    def bind() -> socket.socket:
        made = socket.socket(socket.AF_INET, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        if kind is socket.SOCK_STREAM:
            made.listen(256)
        made.setblocking(False)
        return made

    return inside(name, bind)
