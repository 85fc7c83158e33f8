"""Serving a release: switch, wait until it is healthy, or go back to the one before."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

from . import common
from .common import Problem, environment_file, readable, say, systemctl, tail, write

READY_NAMES = ("DATABASE_URL", "REDIS_URL", "BALANCER_ADDRESS")
"""What of the environment the readiness service gets."""
START_SECONDS = 120


def activate(digest: str, values: dict[str, str], others: bool) -> None:
    release = common.RELEASES / digest
    if not (release / "release.json").is_file():
        raise Problem(f"release {digest} is not installed here")
    before = common.CURRENT.resolve().name if common.CURRENT.exists() else None
    files = {"medusa.env": environment_file(values)}
    files["ready.env"] = environment_file({name: values[name] for name in READY_NAMES if name in values})
    old_files = {name: (common.ETC / name).read_text() for name in files if (common.ETC / name).exists()}
    signature = sign(digest, files)
    if (
        before == digest
        and common.SIGNATURE.exists()
        and common.SIGNATURE.read_text() == signature
        and healthy() is None
    ):
        say(f"release {digest} serves already")
        return
    drained = others and before is not None and systemctl("is-active", "--quiet", "medusa") == 0
    if drained:
        drain()
    try:
        switch(digest, files)
        begun = time.monotonic()
        problem = wait_until_healthy(START_SECONDS)
        if problem:
            log = journal()
            if before and before != digest and old_files:
                switch(before, old_files)
                back = wait_until_healthy(START_SECONDS)
                log += f"\n\nrelease {before} {'serves again' if back is None else f'is not healthy either: {back}'}"
            raise Problem(f"release {digest} did not become healthy within {START_SECONDS} s: {problem}\n{log}")
        say(f"release {digest} healthy after {time.monotonic() - begun:.1f} s")
    finally:
        if drained:
            undrain()
    write(common.SIGNATURE, signature)
    # After the server, whose start is what customers wait for; jobs in the queues can.
    systemctl("restart", "--no-block", "medusa-worker")


def sign(digest: str, files: Mapping[str, str]) -> str:
    """What Medusa is started with: release, environment, units. The same again needs no restart."""
    content = [digest, *(files[name] for name in sorted(files))]
    content += [(common.UNITS / unit).read_text() for unit in ("medusa.service", "medusa-worker.service")]
    return hashlib.sha256("\0".join(content).encode()).hexdigest()


def drain() -> None:
    """Send customers to the other instances before the restart; whoever is still there after 30 s is cut off."""
    subprocess.run(["/usr/local/sbin/store-drain", "--seconds", "30"], check=False)


def undrain() -> None:
    subprocess.run(["/usr/local/sbin/store-drain", "--undo"], check=False)


def switch(digest: str, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        write(common.ETC / name, content)
    partial = common.CURRENT.with_name(f".current.{os.getpid()}")
    partial.unlink(missing_ok=True)
    partial.symlink_to(common.RELEASES / digest)
    os.replace(partial, common.CURRENT)
    show_release(digest)
    for unit in ("medusa-ready", "medusa"):
        if systemctl("restart", unit):
            raise Problem(f"`systemctl restart {unit}` failed\n{journal(unit)}")


def show_release(digest: str) -> None:
    """What the proxy puts into X-Release: in its file for the next start, over its socket for now, without a reload."""
    write(common.RELEASE_MAP, f"9000 {digest[:12]}\n", 0o644)
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(2)
        admin.connect(common.ADMIN_SOCKET)
        admin.sendall(f"set map {common.RELEASE_MAP} 9000 {digest[:12]}\n".encode())
        admin.recv(4096)


def healthy() -> str | None:
    """None when /health says 200, else what it says; that customers are being drained is no problem of the release."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(common.HEALTH, timeout=2):
            return None
    except urllib.error.HTTPError as error:
        body = json.loads(error.read())
        if body["status"] == "draining":
            return medusa_answers(opener)
        parts = [f"{name} is {body[name]}" for name in ("database", "redis") if body[name] != "connected"]
        return ", ".join(parts) or "Medusa does not answer"
    except (OSError, ValueError) as error:
        return f"the readiness service does not answer ({error})"


def medusa_answers(opener: urllib.request.OpenerDirector) -> str | None:
    try:
        with opener.open("http://127.0.0.1:9000/health", timeout=2):
            return None
    except OSError as error:
        return f"Medusa does not answer ({error})"


def wait_until_healthy(seconds: float) -> str | None:
    """None as soon as it is healthy; else the last problem, at the latest after `seconds`, or after three crashes."""
    end = time.monotonic() + seconds
    while True:
        problem = healthy()
        if problem is None or time.monotonic() > end:
            return problem
        shown = ["systemctl", "show", "--value", "--property", "NRestarts", "medusa"]
        restarts = subprocess.run(shown, capture_output=True, text=True, check=False).stdout.strip()
        if restarts.isdigit() and int(restarts) >= 3:
            return f"Medusa ended {restarts} times; {problem}"
        time.sleep(0.2)


def journal(unit: str = "medusa") -> str:
    """What the unit said last and how it ended, without stack frames and systemd's other comings and goings."""
    command = ["journalctl", "--unit", unit, "--lines", "200", "--output", "cat", "--no-pager"]
    said = readable(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    noise = re.compile(
        r"    at |- /|\s*$|(Start|Stopp)(ed|ing) |" + re.escape(unit) + r"\.service: (?!Main process exited)"
    )
    lines = [line for line in said.splitlines() if not noise.match(line)]
    return f"last lines of `journalctl -u {unit}`:\n" + tail("\n".join(lines))
