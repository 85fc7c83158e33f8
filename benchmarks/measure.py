"""Memory of processes, and tables of what was found."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.table import Table


def children() -> dict[int, list[int]]:
    """Parent → children, of all processes of this host."""
    found: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            found[int(fields[1])].append(int(entry.name))
    return found


def name(pid: int) -> str:
    """The process's command name, "" when it has gone."""
    try:
        return (Path("/proc") / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def tree(roots: Iterable[int], *, without: Callable[[int], bool] = lambda _pid: False) -> list[int]:
    """`roots` and all that they started, but not what `without` says yes to, nor what that started."""
    started, found, waiting = children(), [], list(roots)
    while waiting:
        pid = waiting.pop()
        if not without(pid):
            found.append(pid)
            waiting += started.get(pid, [])
    return found


def megabytes(pids: Iterable[int]) -> float:
    """PSS in MB of all of them together; processes that have gone count nothing."""
    total = 0
    for pid in pids:
        try:
            for line in (Path("/proc") / str(pid) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except OSError:
            continue
    return total / 1024


class Peak:
    """`with Peak(parts) as peak:` samples memory twice a second; `peak.together` is the highest sum, MB."""

    EVERY_SECONDS = 0.5

    def __init__(self, parts: dict[str, Callable[[], list[int]]]) -> None:
        self.parts = parts
        self.together = 0.0
        self.each: dict[str, float] = dict.fromkeys(parts, 0.0)

    def __enter__(self) -> Peak:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self.EVERY_SECONDS):
            now = {part: megabytes(pids()) for part, pids in self.parts.items()}
            if sum(now.values()) > self.together:
                self.together, self.each = sum(now.values()), now


def show(title: str, rows: Iterable[tuple[str, str, str]]) -> None:
    """A table: what, measured, aim."""
    table = Table("what", "measured", "aim", title=title, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
