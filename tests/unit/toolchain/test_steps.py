"""Steps: order, parallelism, failures, and what is said about them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from scripts.toolchain.steps import Log, SetupError, Step, execute


def step(name: str, done: list[str], needs: tuple[str, ...] = ()) -> Step:
    def run(log: Log) -> str:
        done.append(name)
        return f"{name} is there"

    return Step(name, name.title(), run, needs)


def failing(message: str) -> Step:
    def run(log: Log) -> str:
        raise SetupError(message)

    return Step("bad", "Bad", run)


def test_a_step_runs_after_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []
    assert execute([step("three", done, ("two",)), step("two", done, ("one",)), step("one", done)], tmp_path)
    assert done == ["one", "two", "three"]
    assert "[ 3/3] Three" in capsys.readouterr().out


def test_independent_steps_run_at_the_same_time(tmp_path: Path) -> None:
    """The CLI's build and the package downloads ran one after the other, for 6 minutes instead of 4."""
    together = threading.Barrier(2, timeout=5)

    def run(log: Log) -> str:
        together.wait()
        return ""

    assert execute([Step("a", "A", run), Step("b", "B", run)], tmp_path)


def test_a_failure_stops_only_what_needs_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []
    assert not execute([failing("No Go.\nInstall it."), step("next", done, ("bad",)), step("other", done)], tmp_path)
    assert done == ["other"]
    out = capsys.readouterr().out
    assert "FAILED" in out and "       No Go.\n       Install it.\n" in out
    assert "Next" in out and "not done: needs Bad" in out


def test_what_is_not_asked_for_counts_as_done(tmp_path: Path) -> None:
    done: list[str] = []
    assert execute([step("only", done, ("packages",))], tmp_path)
    assert done == ["only"]


def test_a_failed_command_says_its_last_words_and_where_the_rest_is(tmp_path: Path) -> None:
    """The step said "exit status 1", and the reason had scrolled away."""
    log = Log(tmp_path / "x.log")
    with pytest.raises(SetupError) as caught:
        log.run(["sh", "-c", "echo plain; echo the reason >&2; exit 3"])
    assert "(3)" in str(caught.value) and "the reason" in str(caught.value)
    assert str(log.path) in str(caught.value)
    assert "plain" in log.path.read_text()


def test_a_command_that_is_not_there_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no-such-command"):
        Log(tmp_path / "x.log").run(["no-such-command"])


def test_a_commands_output_is_returned_and_its_last_line_noted(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.log")
    assert log.run(["printf", "one\ntwo\n"]) == "one\ntwo\n"
    assert log.note == "two"
