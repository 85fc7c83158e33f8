"""The command line as a whole: what a person sees at 3 a.m. must be a sentence, in every command, from every folder."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from scripts.operator import cli, registry
from scripts.operator.errors import Exit, OperatorError
from scripts.operator.process import Command, run

ROOT = Path(__file__).resolve().parents[3]


def commands() -> Iterator[tuple[str, str]]:
    """Every command's words and its help, groups included."""

    def walk(command: object, words: str) -> Iterator[tuple[str, str]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield words, str(getattr(command, "help", "") or "")
        for name, child in (inner or {}).items():
            yield from walk(child, f"{words} {name}".strip())

    return walk(get_command(cli.build()), "")


ALL = dict(commands())


@pytest.mark.parametrize("words", sorted(ALL))
def test_every_command_shows_how_it_is_used(words: str) -> None:
    """An example that is copied and pasted must at least name the command that it belongs to."""
    example = [line for line in ALL[words].splitlines() if "Example: scripts/store " in line]
    assert example and f"scripts/store {words}" in example[0]


def test_the_commands_are_there() -> None:
    """A package that fails to register vanishes without a word."""
    expected = {"status", "smoke", "ssh", "secrets list", "secrets generate", "secrets set", "secrets check"}
    assert expected <= set(ALL)
    assert set(registry.COMMANDS) <= {words.split()[0] for words in ALL}


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make the command line end with `error`."""

    def build() -> typer.Typer:
        app = typer.Typer(pretty_exceptions_enable=False)

        @app.command()
        def fail() -> None:
            raise error

        return app

    monkeypatch.setattr(cli, "build", build)
    monkeypatch.setattr("sys.argv", ["store"])


def test_an_expected_failure_is_its_message_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last line is the next command."""
    failing(monkeypatch, OperatorError("it is down", advice="turn it on", detail="said x", code=Exit.UNWELL))
    assert cli.main() == 1
    assert capsys.readouterr().err == "error: it is down\n    said x\nwhat to do: turn it on\n"


def test_a_fault_of_ours_is_two_lines_and_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A traceback on the screen scrolls the cause away; without one nobody can mend it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    failing(monkeypatch, ZeroDivisionError("division by zero"))
    assert cli.main() == 3
    said = capsys.readouterr().err
    assert "Traceback" not in said and "ZeroDivisionError" in said
    kept = next(tmp_path.iterdir())
    assert str(kept) in said and "Traceback" in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_the_launcher_works_from_any_folder(tmp_path: Path) -> None:
    """People call it from wherever they are, and through a link."""
    (tmp_path / "store").symlink_to(ROOT / "scripts" / "store")
    said = subprocess.run([tmp_path / "store", "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert said.returncode == 0 and "scripts/store status" in said.stdout


def test_the_launcher_without_an_environment_says_what_makes_one(tmp_path: Path) -> None:
    """The first command in a fresh clone."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "store", tmp_path / "scripts" / "store")
    said = subprocess.run([tmp_path / "scripts" / "store", "status"], capture_output=True, text=True)
    assert said.returncode == 3 and "scripts/up" in said.stderr


def test_a_wrong_word_is_a_usage_error() -> None:
    """Scripts tell "called wrongly" from "not well" by the code."""
    said = subprocess.run([ROOT / "scripts" / "store", "stauts"], capture_output=True, text=True)
    assert said.returncode == 2 and "Traceback" not in said.stderr


@pytest.mark.parametrize("words", ["--help", "status --help", "ssh --help"])
def test_a_reader_that_has_enough_is_no_failure(words: str) -> None:
    """`store … | head -1` under `set -o pipefail` ended a script at night."""
    line = f'set -o pipefail; "{ROOT}/scripts/store" {words} | true'
    said = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.parametrize("target", [">/dev/full", ">&-"])
def test_an_output_that_cannot_be_written_is_a_sentence(target: str) -> None:
    """A full disk is no fault of the command, and its report would not fit on the disk either."""
    said = subprocess.run(["bash", "-c", f'"{ROOT}/scripts/store" --help {target}'], capture_output=True, text=True)
    assert "Traceback" not in said.stderr and "a fault in this command" not in said.stderr
    assert "Exception ignored" not in said.stderr


def test_a_tool_that_cannot_be_run_is_a_sentence(tmp_path: Path) -> None:
    """A copied checkout loses the bit that makes its tools executable."""
    tool = tmp_path / "pulumi"
    tool.write_text("")
    with pytest.raises(OperatorError, match="cannot be run"):
        run(Command((str(tool), "version")))
