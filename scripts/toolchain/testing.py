"""``scripts/test``: runs the checks and the tests, all of them or one kind, and says where the time goes."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from scripts.toolchain import preflight, setup
from scripts.toolchain.paths import LOGS, PULUMI, PYTHON, ROOT
from scripts.toolchain.steps import execute

EXAMPLES = """\
examples:
  scripts/test               # everything: checks, unit, contract and e2e tests
  scripts/test unit          # seconds, without root
  scripts/test lint unit     # what to run before a commit
  scripts/test e2e -- -k scale -x

Arguments after -- go to pytest. unit and lint need only the virtual environment; contract tests run the embedded cloud
without machines; e2e tests boot machines, so they need root and all that scripts/up prepares.
"""

KINDS = ("lint", "unit", "contract", "e2e")
SLOWEST = 5

PREPARES = {
    "lint": ("python",),
    "unit": ("python",),
    "contract": ("packages", "python", "pulumi", "plugins", "runtime"),
    "e2e": tuple(step.name for step in (*setup.STEPS, *setup.TEST_STEPS)),
}

LINT: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ruff check", ("ruff", "check", ".")),
    ("ruff format", ("ruff", "format", "--check", ".")),
    ("mypy --strict", ("mypy",)),
    ("import-linter", ("lint-imports", "--no-cache")),
)


@dataclass
class Stage:
    """One row of the table of times; ``slowest`` are pytest's own durations as (seconds, test)."""

    name: str
    seconds: float
    status: int
    summary: str = ""
    slowest: list[tuple[float, str]] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    extra: list[str] = []
    if "--" in words:
        split = words.index("--")
        words, extra = words[:split], words[split + 1 :]
    parser = argparse.ArgumentParser(
        prog="scripts/test",
        description=(__doc__ or "").replace("``", ""),
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"any of {', '.join(KINDS)}; all where none is given")
    asked = parser.parse_args(words)
    unknown = [kind for kind in asked.kinds if kind not in KINDS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: allowed are {', '.join(KINDS)}")
    kinds = [kind for kind in KINDS if kind in (asked.kinds or KINDS)]

    wrong = preflight.problems(preflight.look(), boots="e2e" in kinds)
    for problem in wrong:
        print(problem, file=sys.stderr)
    if wrong:
        return 1

    started = time.monotonic()
    needed = {name for kind in kinds for name in PREPARES[kind]}
    if not execute(setup.steps(needed), LOGS):
        return 1
    stages = [Stage("set-up", time.monotonic() - started, 0)]
    for kind in kinds:
        if kind == "lint":
            stages += [check(name, command) for name, command in LINT]
        else:
            stages.append(test(kind, extra))
    print(table(stages))
    failed = [stage.name for stage in stages if stage.status != 0]
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr, flush=True)
    for stage in stages:
        if stage.summary:
            # pytest's own closing lines once more, last, for people and CI who read the end only.
            print(stage.summary)
    return 1 if failed else 0


def check(name: str, command: Sequence[str]) -> Stage:
    print(f"\n== {name}", flush=True)
    started = time.monotonic()
    status = subprocess.run([PYTHON.with_name(command[0]), *command[1:]], cwd=ROOT, env=environment()).returncode
    return Stage(name, time.monotonic() - started, status)


def test(kind: str, extra: Sequence[str]) -> Stage:
    """Runs pytest over one directory, showing what it says as it says it."""
    print(f"\n== {kind} tests", flush=True)
    started = time.monotonic()
    # Named files or tests instead of the whole directory: `scripts/test e2e -- tests/e2e/store/test_2_scale.py`.
    named = any((ROOT / word.split("::")[0]).exists() for word in extra if not word.startswith("-"))
    where = [] if named else [f"tests/{kind}"]
    command = [str(PYTHON), "-m", "pytest", *where, "--durations=25", "--durations-min=0.05", *extra]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(), text=True, errors="replace", stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    lines: list[str] = []
    assert process.stdout
    try:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            sys.stdout.write(line)
            sys.stdout.flush()
        status = process.wait()
    except KeyboardInterrupt:
        # pytest got it too and takes its machines down; it is waited for.
        process.wait()
        raise
    return Stage(kind, time.monotonic() - started, status, closing_line(lines), slowest(lines))


def environment() -> dict[str, str]:
    """The caller's environment with this checkout's tools first on the path, as in a shell that sourced scripts/env."""
    path = os.pathsep.join([str(PYTHON.parent), str(PULUMI.resolve().parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "PULUMI_SKIP_UPDATE_CHECK": "1", "PYTHONUNBUFFERED": "1"}


def closing_line(lines: Sequence[str]) -> str:
    """pytest's last line, such as ``=== 12 passed in 1.20s ===``; "" if it never came so far."""
    return next((line for line in reversed(lines) if re.match(r"^=+ .*\bin [\d.]+s", line)), "")


def slowest(lines: Sequence[str]) -> list[tuple[float, str]]:
    """Seconds by test, set-up and tear-down included, the longest first, from what ``--durations`` prints."""
    totals: dict[str, float] = {}
    for line in lines:
        found = re.match(r"^([\d.]+)s (?:setup|call|teardown) +(\S.*)$", line)
        if found:
            totals[found[2]] = totals.get(found[2], 0.0) + float(found[1])
    return sorted(((seconds, name) for name, seconds in totals.items()), reverse=True)


def table(stages: Sequence[Stage]) -> str:
    rows = ["", "Where the time went:"]
    for stage in stages:
        rows.append(f"  {stage.name:<16} {stage.seconds:7.1f} s  {'ok' if stage.status == 0 else 'FAILED'}")
        rows += [f"  {'':<16} {seconds:7.1f} s    {name}" for seconds, name in stage.slowest[:SLOWEST]]
    rows.append(f"  {'together':<16} {sum(stage.seconds for stage in stages):7.1f} s")
    return "\n".join(rows)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read this has read enough, as `| head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
