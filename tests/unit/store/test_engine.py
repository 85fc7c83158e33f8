"""The Pulumi CLI's surroundings: incidents are a staging command that hits local state, and a traceback at night."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.operator.engine import Engine, environment, project_values
from scripts.operator.errors import Exit, OperatorError
from scripts.operator.process import Command, Result, merged_environment, run
from tests.unit.store.fakes import FakePulumi


def test_local_gets_its_own_state_and_others_keep_the_shells(tmp_path: Path) -> None:
    """`store status -s production` in a shell of the local stack must not look at the local state."""
    local = environment("local", tmp_path)
    assert local["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/.local/state"
    assert local["PULUMI_CONFIG_PASSPHRASE_FILE"] is None
    assert environment("local", Path("/a b/100%"))["PULUMI_BACKEND_URL"] == "file:///a%20b/100%25/.local/state"
    assert set(environment("production", tmp_path)) == {"PULUMI_SKIP_UPDATE_CHECK"}


@pytest.mark.parametrize(
    ("said", "message", "advice"),
    [
        ("error: no stack named 'local' found", "does not exist", "scripts/up"),
        ('error: unable to open state directory "file:///x"', "does not exist", "scripts/up"),
        ("error: incorrect passphrase", "cannot be read with this passphrase", "PULUMI_CONFIG_PASSPHRASE"),
        ("error: PULUMI_ACCESS_TOKEN must be set for login", "not logged in", "pulumi login"),
        ("error: the sky fell", "pulumi failed", "scripts/up"),
    ],
)
def test_what_pulumi_says_becomes_a_way_on(said: str, message: str, advice: str) -> None:
    """The person on call reads what to run, not what went wrong inside a tool."""
    with pytest.raises(OperatorError) as failed:
        FakePulumi(failure=said).engine().outputs()
    assert message in failed.value.message and advice in failed.value.advice
    assert failed.value.code is Exit.CANNOT


def test_a_stack_that_does_not_exist_elsewhere_is_not_told_to_run_the_local_command() -> None:
    """scripts/up never makes production."""
    with pytest.raises(OperatorError) as failed:
        FakePulumi(failure="error: no stack named 'production' found").engine("production").outputs()
    assert "pulumi stack init production" in failed.value.advice


def test_no_outputs_means_not_up() -> None:
    """An empty answer must not become a KeyError further on."""
    with pytest.raises(OperatorError, match="not up"):
        FakePulumi().engine().outputs()


def test_outputs_are_asked_for_once() -> None:
    """Each call of the CLI costs half a second of somebody's night."""
    pulumi = FakePulumi(outputs={"apiUrl": "http://x"})
    engine = pulumi.engine()
    assert engine.outputs() == engine.outputs() == {"apiUrl": "http://x"}
    assert len(pulumi.commands) == 1


def test_a_config_file_is_read_and_written_instead_of_the_stacks_own(tmp_path: Path) -> None:
    """A throw-away copy with generated secrets must not end up in the committed stack file."""
    pulumi = FakePulumi()
    engine = Engine("production", tmp_path / "copy.yaml", runner=pulumi, cli=lambda _root: "pulumi")
    engine.config()
    engine.set_secret("jwtSecret", "x")
    for command in pulumi.commands:
        assert command.argv[command.argv.index("--config-file") + 1] == str(tmp_path / "copy.yaml")


def test_project_values_leave_other_namespaces_and_hidden_secrets_out() -> None:
    """The settings' rules are for the project's own keys."""
    config = {
        "opticworks-store:medusaInstances": {"value": "3", "secret": False},
        "opticworks-store:jwtSecret": {"secret": True},
        "hcloud:endpoint": {"value": "http://x", "secret": False},
    }
    assert project_values(config) == {"medusaInstances": "3"}


def test_a_missing_tool_is_told_by_name() -> None:
    """A fresh machine without the tool gets a sentence."""
    with pytest.raises(OperatorError, match="nonesuch-tool is not installed"):
        run(Command(("nonesuch-tool",)))


def test_children_do_not_inherit_the_launchers_python_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program would import this checkout's packages whatever checkout it belongs to."""
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("GONE", "1")
    merged = merged_environment({"GONE": None, "NEW": "2"})
    assert "PYTHONPATH" not in merged and "GONE" not in merged and merged["NEW"] == "2"


def test_an_answer_that_is_no_json_is_a_sentence() -> None:
    """A wrapper called pulumi that prints a greeting must not look like a fault of ours."""
    engine = Engine("local", runner=lambda command: Result(0, "Welcome!\n{}", ""), cli=lambda root: "pulumi")
    with pytest.raises(OperatorError, match="pulumi stack output for stack local did not answer with JSON"):
        engine.outputs()
