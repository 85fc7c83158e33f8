"""Run the host's tools, and say clearly which one failed and why."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from localcloud.machines.interface import MachineError


def run(argv: Sequence[str | Path], *, stdin: str | None = None, timeout: float = 120) -> str:
    """Run ``argv`` and return its standard output; a failure is a :class:`MachineError` with the tool's own words."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    except FileNotFoundError:
        raise MachineError(f"{words[0]} is not installed on this host") from None
    except subprocess.TimeoutExpired:
        raise MachineError(f"{words[0]} did not finish within {timeout:.0f} s: {' '.join(words)}") from None
    if done.returncode != 0:
        raise MachineError(f"{' '.join(words[:6])}: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout


def succeeds(argv: Sequence[str | Path], *, stdin: str | None = None) -> bool:
    """Run ``argv``; whether it ended well. For clean-up of what may already be gone."""
    try:
        run(argv, stdin=stdin)
    except MachineError:
        return False
    return True


def ip_batch(namespace: str | None, lines: Iterable[str]) -> None:
    """Run ``ip`` commands in one process (a third of a second saved on a dozen); stops at the first that fails."""
    where = ["-n", namespace] if namespace else []
    text = "".join(f"{line}\n" for line in lines)
    if text:
        run(["ip", *where, "-batch", "-"], stdin=text)
