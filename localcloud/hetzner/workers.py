"""Work on machines, off the request's path: in order for one resource, side by side for different ones."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

log = logging.getLogger("localcloud.workers")
THREADS = 16


@dataclass(eq=False)
class Job:
    """Something to do once nothing before it uses its resources: ``alone`` exclusively, ``beside`` with others."""

    run: Callable[[], None]
    alone: frozenset[Hashable]
    beside: frozenset[Hashable]
    started: bool = field(default=False)


class Workers:
    """A queue per resource over a few threads. Jobs are queued in the order of :meth:`submit` and never deadlock."""

    def __init__(self, threads: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="machines")
        self._queues: dict[Hashable, deque[Job]] = {}
        self._idle = threading.Condition()
        self._jobs = 0

    def submit(self, run: Callable[[], None], alone: Sequence[Hashable], beside: Sequence[Hashable] = ()) -> None:
        """Queue ``run``. It must not raise: what it raises is only logged."""
        job = Job(run, frozenset(alone), frozenset(beside) - frozenset(alone))
        with self._idle:
            self._jobs += 1
            for key in job.alone | job.beside:
                self._queues.setdefault(key, deque()).append(job)
            self._start_ready(job.alone | job.beside, [job])

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is queued or running, at most ``timeout`` seconds; tells whether that came."""
        with self._idle:
            return self._idle.wait_for(lambda: self._jobs == 0, timeout)

    def close(self) -> None:
        """Take no more work and wait for what runs."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _start_ready(self, keys: frozenset[Hashable], extra: Sequence[Job] = ()) -> None:
        candidates = [job for key in keys for job in self._queues.get(key, ())]
        for job in dict.fromkeys([*candidates, *extra]):
            if not job.started and self._ready(job):
                job.started = True
                self._pool.submit(self._work, job)

    def _ready(self, job: Job) -> bool:
        for key in job.alone:
            if self._queues[key][0] is not job:
                return False
        for key in job.beside:
            for earlier in self._queues[key]:
                if earlier is job:
                    break
                if key in earlier.alone:
                    return False
        return True

    def _work(self, job: Job) -> None:
        try:
            job.run()
        except Exception:
            log.exception("a job failed without catching its error")
        with self._idle:
            keys = job.alone | job.beside
            for key in keys:
                queue = self._queues[key]
                queue.remove(job)
                if not queue:
                    del self._queues[key]
            self._jobs -= 1
            self._start_ready(keys)
            self._idle.notify_all()
