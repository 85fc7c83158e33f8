"""Waiting for something that blocks in the kernel, with a limit."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

from components.bootstrap.report import Failure


@contextlib.contextmanager
def time_limit(seconds: int, failure: Failure) -> Iterator[None]:
    """Raise ``failure`` when the block takes longer; it may block in a system call, as waiting for a lock does."""

    def expire(_signal: int, _frame: object) -> None:
        raise failure

    previous = signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
