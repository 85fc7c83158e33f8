"""What building an app outside its checkout takes: its own files, steps that are told, turns, what was made before."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.operator.errors import OperatorError, UsageProblem
from scripts.operator.process import Command, Runner

QUIET_NPM = {
    "CI": "true",
    "npm_config_fund": "false",
    "npm_config_audit": "false",
    "npm_config_update_notifier": "false",
}
"""Variables with which npm neither asks nor advertises."""


def package(folder: Path, example: str) -> dict[str, Any]:
    """What the app's package.json says; UsageProblem if there is none. `example` says which folder to name instead."""
    file = folder / "package.json"
    if not file.is_file():
        raise UsageProblem(f"--app {folder}: no package.json there", advice=f"name {example}")
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UsageProblem(f"{file} is not JSON: {error}", advice="correct the file") from error
    return found


def own_files(folder: Path, without: Collection[str], unless: re.Pattern[str]) -> Iterator[Path]:
    """The app's own files, sorted by path, links not followed: no folder of a name in `without`, no file `unless`."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in without)
        for name in sorted(names):
            if not unless.match(name):
                yield Path(parent, name)


def copy(files: Iterable[Path], folder: Path, target: Path) -> None:
    """Copies of `files`, which lie in `folder`, at the same places in `target`; of a link, what it leads to."""
    for path in files:
        place = target / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)


class Progress:
    """`[2/6] dependencies … 14.2 s` on stderr, a line a step."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.step = 0

    @contextmanager
    def doing(self, what: str) -> Iterator[list[str]]:
        """Time a step; strings put into the list are told at its end."""
        self.step += 1
        notes: list[str] = []
        sys.stderr.write(f"[{self.step}/{self.steps}] {what} … ")
        sys.stderr.flush()
        begun = time.monotonic()
        try:
            yield notes
        except BaseException:
            sys.stderr.write("failed\n")
            raise
        told = "".join(f", {note}" for note in notes)
        sys.stderr.write(f"{time.monotonic() - begun:.1f} s{told}\n")


def run_tool(
    run: Runner, argv: tuple[str, ...], folder: Path, environment: Mapping[str, str | None], problem: str
) -> str:
    """What a tool that runs in `folder` says, on stdout and stderr; OperatorError of `problem` if it fails."""
    done = run(Command(argv, directory=folder, environment=environment))
    if done.code:
        raise OperatorError(problem, detail=(done.stdout + done.stderr)[-3000:], advice=f"run it by hand in {folder}")
    return done.stdout + done.stderr


@contextmanager
def only_one(cache: Path, what: str) -> Iterator[None]:
    """Two builds of one machine take turns: the second finds what the first made."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.stderr.write(f"another {what} is being built on this machine; waiting for it\n")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def remember(cache: Path, inputs: str, made: str) -> None:
    """Note that `made`, a name in the cache, was built of what has the hash `inputs`."""
    note = cache / "inputs" / f"{inputs}.json"
    note.parent.mkdir(exist_ok=True)
    note.write_text(json.dumps({"made": made}) + "\n", encoding="utf-8")


def remembered(cache: Path, inputs: str) -> Path | None:
    """What was noted to be built of `inputs`; it may be gone."""
    try:
        note = json.loads((cache / "inputs" / f"{inputs}.json").read_text(encoding="utf-8"))
        return cache / str(note["made"])
    except (OSError, ValueError, KeyError):
        return None


def link(place: Path, target: str) -> None:
    """Let `place` be a link to `target`, from one moment to the next."""
    partial = place.with_name(f".{place.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    partial.symlink_to(target)
    os.replace(partial, place)
