"""What proves to the node proxy that a request came through the edge: one value, and the one before while it rotates.

The server keeps digests only, in a folder for root; the proxy compares digests, so that neither a file, nor its admin
socket, nor the time that a comparison takes tells a value. A change goes to the running proxy over its socket, with the
new value in before the old one is out: no reload, no connection that ends, no request refused. The file is for the next
start.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import time
from collections.abc import Iterable

from components.bootstrap import files, services
from components.bootstrap.host import Host
from components.bootstrap.report import Failure

FOLDER = "/etc/haproxy/origin"
DIGESTS = f"{FOLDER}/digests"
ADMIN_SOCKET = "/run/haproxy/admin.sock"
CURRENT, PREVIOUS = "origin_secret", "origin_secret_previous"
"""Names of the role's secrets; the second may be missing."""
SOCKET_SECONDS = 5.0
"""For which a proxy that is just being started or reloaded may have no socket."""


def digest(secret: str) -> str:
    """As the proxy's converters sha2(256),hex give it: SHA-256 in upper case."""
    return hashlib.sha256(secret.encode()).hexdigest().upper()


def digests(host: Host) -> list[str]:
    """Of the values that are right at the moment."""
    values = [host.secret(CURRENT), host.secrets.get(PREVIOUS, "")]
    return sorted({digest(value) for value in values if value})


def stored(host: Host) -> None:
    """In the file, before the proxy reads it."""
    files.directory(host, FOLDER, mode=0o700)
    text = "".join(f"{one}\n" for one in digests(host))
    files.file(host, DIGESTS, text, mode=0o600, secret=True)


def in_effect(host: Host) -> bool:
    """In the proxy that runs. One that cannot be asked is reloaded: it then reads the file."""
    host.report.begin("origin secret of the proxy")
    try:
        done = put(digests(host))
    except OSError as error:
        host.report.note(f"{ADMIN_SOCKET} does not answer ({error})")
        services.start(host, "reload", "haproxy.service")
        return host.report.changed("reloaded")
    return host.report.changed(done) if done else host.report.ok()


def told(host: Host) -> None:
    """Before a reload: the process that leaves still answers on the connections that it has, with what it knows."""
    with contextlib.suppress(OSError, Failure):
        put(digests(host))


def put(wanted: Iterable[str], path: str = DIGESTS, admin: str = ADMIN_SOCKET) -> str:
    """Make the list that the proxy read from `path` the wanted one; what was done, in words, empty for nothing."""
    there = shown(ask(admin, f"show acl {path}"))
    new, gone = sorted(set(wanted) - there), sorted(there - set(wanted))
    for command in [*(f"add acl {path} {one}" for one in new), *(f"del acl {path} {one}" for one in gone)]:
        said = ask(admin, command).strip()
        if said and "Done" not in said:
            raise Failure(f"the proxy refused `{command.rsplit(' ', 1)[0]} …`: {said[:200]}")
    if shown(ask(admin, f"show acl {path}")) != set(wanted):
        raise Failure("the proxy does not hold the origin secrets it was given", "run again: pulumi up")
    words = [f"{len(new)} accepted" if new else "", f"{len(gone)} no longer accepted" if gone else ""]
    return ", ".join(word for word in words if word)


def shown(text: str) -> set[str]:
    """Of lines `0x55d0c3a2f1e0 DIGEST`."""
    found = set(re.findall(r"^0x[0-9a-f]+ ([0-9A-F]{64})$", text, re.MULTILINE))
    if not found and text.strip():
        raise Failure(f"the proxy does not know its list of origin secrets: {text.strip()[:200]}")
    return found


def ask(admin: str, command: str) -> str:
    """One command to the proxy's admin socket and its answer. OSError when nobody answers within SOCKET_SECONDS."""
    end = time.monotonic() + SOCKET_SECONDS
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(admin)
                connection.sendall(f"{command}\n".encode())
                answer = b""
                while received := connection.recv(65536):
                    answer += received
            return answer.decode()
        except (FileNotFoundError, ConnectionError):
            if time.monotonic() >= end:
                raise
            time.sleep(0.05)
