"""Entry of a run: secrets from standard input, one run at a time, first boot finished, then the role's steps."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from components.bootstrap.host import Host
from components.bootstrap.report import Failure
from components.bootstrap.waiting import time_limit

LOCK = Path("/run/lock/store-bootstrap.lock")
CLOUD_INIT_RESULT = Path("/run/cloud-init/result.json")
LOCK_SECONDS = 600
FIRST_BOOT_SECONDS = 600


@contextlib.contextmanager
def only_run(host: Host) -> Iterator[None]:
    """Hold the server's bootstrap lock: two runs at once would each undo what the other is half-way through."""
    host.report.begin("wait for other runs")
    handle = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode(errors="replace").strip()
            host.report.progress(f"another run is under way ({holder}); waiting for it to end")
            late = Failure(
                f"another run ({holder}) has held {LOCK} for more than {LOCK_SECONDS} s",
                "see what that process is doing (ps, journalctl), end it if it hangs, and run again.",
            )
            with time_limit(LOCK_SECONDS, late):
                fcntl.flock(handle, fcntl.LOCK_EX)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"role {host.role}, process {os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def wait_for_first_boot(host: Host) -> None:
    """cloud-init still installs keys and runs commands after SSH answers; steps must not race with it."""
    host.report.begin("wait for first boot")
    if not CLOUD_INIT_RESULT.exists() and Path("/usr/bin/cloud-init").exists():
        host.report.progress("waiting for cloud-init to finish the first boot")
        host.run(
            ["cloud-init", "status", "--wait"],
            check=False,
            timeout=FIRST_BOOT_SECONDS,
            fix="look at /var/log/cloud-init.log and /var/log/cloud-init-output.log on the server.",
        )
    with contextlib.suppress(OSError, ValueError, KeyError):
        errors = json.loads(CLOUD_INIT_RESULT.read_text())["v1"]["errors"]
        if errors:
            host.report.note(f"cloud-init reported errors: {'; '.join(map(str, errors))[:500]}")


def read_secrets() -> dict[str, str]:
    """The secrets: one JSON object of strings on standard input; nothing at all means none."""
    text = sys.stdin.read()
    if not text.strip():
        return {}
    try:
        secrets = json.loads(text)
    except ValueError:
        # Not "from" the original: its text quotes the input.
        raise Failure("standard input is not a JSON object of secrets") from None
    if not isinstance(secrets, dict) or not all(isinstance(value, str) for value in secrets.values()):
        raise Failure("standard input is not a JSON object whose values are strings")
    return secrets


def main(role: str, apply: Callable[[Host], None]) -> int:
    """Run a role's ``apply``; returns the exit code: 0 done, 1 a step failed, 2 an error in the role's own code."""
    os.umask(0o022)
    host = Host(role, {}, {})
    try:
        if os.geteuid() != 0:
            raise Failure("the bootstrap changes the system and must run as root", "run it through sudo.")
        host = Host(role, load_variables(), read_secrets())
        with only_run(host):
            wait_for_first_boot(host)
            apply(host)
    except Failure as failure:
        host.report.failed(failure)
        return 1
    except Exception as error:
        # An error of ours, not of the server: the place in the code helps, but values may hold secrets.
        where = traceback.extract_tb(error.__traceback__)[-1]
        host.report.failed(
            Failure(
                f"{type(error).__name__}: {error} ({Path(where.filename).name} line {where.lineno})",
                "this is a fault in the role's code; the server keeps what was done so far and a run can be repeated.",
            )
        )
        return 2
    host.report.summary()
    return 0


def load_variables() -> dict[str, Any]:
    data = pkgutil.get_data("role", "variables.json")
    variables: dict[str, Any] = json.loads(data or b"{}")
    return variables
