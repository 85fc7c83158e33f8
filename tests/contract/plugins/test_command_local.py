"""local.Command and local.run, as the engine runs them."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from localcloud.plugins.base.values import UNKNOWN, Archive, Asset
from tests.contract.plugins.driver import Failed, Plugin

KIND = "local:Command"


def test_it_runs_on_creation_and_again_only_when_an_input_changes(command: Plugin) -> None:
    """A bootstrap that ran at every update would restart the database each time."""
    inputs = {"create": "echo one; echo two >&2", "update": "echo was $PULUMI_COMMAND_STDOUT", "stdin": "x"}
    made = command.create(KIND, "hello", **inputs)
    assert (made.outputs["stdout"], made.outputs["stderr"]) == ("one", "two")
    assert made.id.startswith("hello")
    command.settled(made, **inputs)
    changed = command.update(made, **(inputs | {"stdin": "y"}))
    assert changed.outputs["stdout"] == "was one"


def test_triggers_replace_and_nothing_else_does(command: Plugin) -> None:
    inputs = {"create": "true", "triggers": [1, True, "a", {"b": ["c"]}]}
    made = command.create(KIND, "x", **inputs)
    difference = command.diff(made, inputs | {"triggers": [1, True, "b", {"b": ["c"]}]})
    assert difference.replaces == ["triggers[2]"] and difference.changes == {"triggers[2]": "update-replace"}
    assert command.diff(made, inputs | {"triggers": [1, 1, "a", {"b": ["c"]}]}).replaces, "True is not 1"
    assert command.diff(made, inputs | {"create": "false"}).replaces == []


def test_a_preview_runs_nothing_and_knows_nothing(command: Plugin, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    made = command.create(KIND, "x", preview=True, create=f"touch {touched}")
    assert made.outputs["stdout"] is UNKNOWN and not touched.exists()
    made = command.create(KIND, "x", create="echo 1")
    assert command.update(made, preview=True, create="echo 2").outputs["stdout"] is UNKNOWN


def test_stdin_environment_and_folder_reach_the_command(command: Plugin, tmp_path: Path) -> None:
    made = command.create(
        KIND, "x", create="cat; echo $NAME; pwd", stdin="in\n", environment={"NAME": "v"}, dir=str(tmp_path)
    )
    assert made.outputs["stdout"].splitlines() == ["in", "v", str(tmp_path)]
    made = command.create(KIND, "x", create="print(6 * 7)", interpreter=["python3", "-c"])
    assert made.outputs["stdout"] == "42"


@pytest.mark.parametrize(
    ("logging", "shown"),
    [
        (None, {"out", "err"}),
        ("stdoutAndStderr", {"out", "err"}),
        ("stdout", {"out"}),
        ("stderr", {"err"}),
        ("none", set()),
    ],
)
def test_logging_decides_what_is_shown_and_not_what_is_kept(
    command: Plugin, logging: str | None, shown: set[str]
) -> None:
    """With ``none`` a secret must reach neither the screen nor a CI log."""
    inputs = {"create": "echo out; echo err >&2"} | ({"logging": logging} if logging else {})
    made = command.create(KIND, "x", **inputs)
    assert {message for _, message, _ in command.log.lines} == shown
    assert (made.outputs["stdout"], made.outputs["stderr"]) == ("out", "err")


def test_lines_are_shown_while_the_command_still_runs(command: Plugin, tmp_path: Path) -> None:
    """Ten silent minutes look like a hang."""
    gate = tmp_path / "gate"
    script = f"echo first; while [ ! -e {gate} ]; do sleep 0.01; done"
    running = threading.Thread(target=command.create, args=(KIND, "x"), kwargs={"create": script})
    running.start()
    end = time.monotonic() + 10
    while not command.log.lines and time.monotonic() < end:
        time.sleep(0.01)
    assert command.log.lines[0] == ("info", "first", True)
    gate.touch()
    running.join(10)


def test_a_failure_shows_the_status_the_command_and_its_output(command: Plugin) -> None:
    with pytest.raises(Failed) as failed:
        command.create(KIND, "x", create='echo "so"; exit 3')
    assert str(failed.value) == 'exit status 3: running "echo \\"so\\"; exit 3":\nso\n'


def test_a_folder_that_is_not_there_is_named(command: Plugin) -> None:
    with pytest.raises(Failed, match="/no/such/folder"):
        command.create(KIND, "x", create="true", dir="/no/such/folder")


def test_delete_runs_its_own_command_with_the_last_output(command: Plugin, tmp_path: Path) -> None:
    left = tmp_path / "left"
    made = command.create(KIND, "x", create="echo kept", delete=f'echo "$PULUMI_COMMAND_STDOUT" > {left}')
    command.delete(made)
    assert left.read_text() == "kept\n"


def test_an_operation_ends_when_its_time_is_up(command: Plugin) -> None:
    started = time.monotonic()
    with pytest.raises(Failed, match=r"timed out after 0\.2 s"):
        command.create(KIND, "x", timeout=0.2, create="exec sleep 30")
    assert time.monotonic() - started < 10


def test_files_that_a_command_made_come_back_as_assets(command: Plugin, tmp_path: Path) -> None:
    made = command.create(
        KIND,
        "x",
        create="mkdir -p a/b; echo 1 > a/one.txt; echo 2 > a/b/two.txt; echo 3 > a/b/secret.txt",
        dir=str(tmp_path),
        assetPaths=["a/*.txt"],
        archivePaths=["a/**", "!**secret*"],
    )
    assert list(made.outputs["assets"]) == ["a/one.txt"]
    archive = made.outputs["archive"]
    assert isinstance(archive, Archive) and archive.assets is not None
    assert set(archive.assets) == {"a/one.txt", "a/b/two.txt"}
    assert all(isinstance(item, Asset) for item in archive.assets.values())


def test_run_runs_at_every_preview(command: Plugin) -> None:
    assert command.invoke("local:run", command="cat", stdin="now")["stdout"] == "now"


@pytest.mark.parametrize(
    ("inputs", "property"),
    [
        ({"create": 5}, "create"),
        ({"logging": "loud"}, "logging"),
        ({"creates": "x"}, "creates"),
        ({"environment": {"A": 1}}, "environment"),
    ],
)
def test_bad_inputs_are_named(command: Plugin, inputs: dict[str, object], property: str) -> None:
    assert property in command.problems(KIND, "x", inputs)[1]
