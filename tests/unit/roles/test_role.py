"""The Role component as the engine is told of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi_command import remote

from components.role import Role, RoleArgs, command
from tests.unit.monitor import Recording, Secret, recorded


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Recording]:
    folder = tmp_path / "bootstrap"
    folder.mkdir()
    (folder / "main.py").write_text("def apply(host): pass\n")
    monkeypatch.chdir(tmp_path)

    def run(variables: Any = None, secrets: Any = None, server_id: str = "42", preview: bool = False) -> Recording:
        def program() -> None:
            given = variables() if callable(variables) else variables or {}
            connection = remote.ConnectionArgs(host="198.18.0.10", user="deploy")
            Role("web", RoleArgs(connection, folder, server_id, given, secrets or {}))

        return recorded(program, preview=preview)

    return run


def test_secrets_travel_by_stdin_only(declare: Callable[..., Recording]) -> None:
    """A secret in a command's text is in the process list, in the journal and in the state's plain part."""
    recording = declare(secrets={"password": "hunter2hunter2"})
    run = recording.named("web-run").inputs
    assert run["stdin"] == Secret(json.dumps({"password": "hunter2hunter2"}))
    rest = {key: value for key, value in run.items() if key not in ("stdin", "connection")}
    assert "hunter2" not in json.dumps(rest, default=str)
    assert "hunter2" not in str(recording.named("web-copy").inputs)


def test_stdin_is_secret_even_if_its_values_were_not_marked(declare: Callable[..., Recording]) -> None:
    assert isinstance(declare(secrets={}).named("web-run").inputs["stdin"], Secret)


def test_runs_again_for_another_server_and_for_nothing_else(declare: Callable[..., Recording]) -> None:
    """A replaced server that is not bootstrapped answers nothing; a role that always runs hides real changes."""
    first, again, other = declare(), declare(), declare(server_id="43")
    assert first.named("web-run").inputs == again.named("web-run").inputs
    assert first.named("web-copy").inputs["source"] == again.named("web-copy").inputs["source"]
    for child in ("web-copy", "web-run"):
        assert first.named(child).inputs["triggers"] == ["42"]
        assert other.named(child).inputs["triggers"] == ["43"]


def test_a_changed_variable_changes_the_command(declare: Callable[..., Recording]) -> None:
    before, after = declare(variables={"size": 1}), declare(variables={"size": 2})
    assert before.named("web-run").inputs["create"] != after.named("web-run").inputs["create"]


def test_a_secret_variable_is_refused(declare: Callable[..., Recording]) -> None:
    """Variables end up in files that are no secret, here and on the server."""
    with pytest.raises(Exception, match="token is secret: pass it in secrets"):
        declare(variables=lambda: {"token": pulumi.Output.secret("hunter2hunter2"), "size": 1})


def test_unknown_variables_in_a_preview(declare: Callable[..., Recording]) -> None:
    """The first preview knows no device and no address yet, and must still say what would be made."""
    recording = declare(variables=lambda: {"device": pulumi.Output.from_input(_unknown())}, preview=True)
    assert {resource.name for resource in recording.resources} >= {"web", "web-copy", "web-run"}


def _unknown() -> pulumi.Output[str]:
    from pulumi.runtime.rpc import UNKNOWN

    return pulumi.Output.from_input(UNKNOWN).apply(str)


def test_children_lie_below_the_role_and_wait_for_each_other(declare: Callable[..., Recording]) -> None:
    recording = declare()
    role, copy, run = (recording.named(name) for name in ("web", "web-copy", "web-run"))
    assert copy.parent == run.parent == role.urn
    assert copy.urn in run.dependencies
    assert copy.protect is False and run.protect is False


def test_paths_are_the_same_on_every_machine(declare: Callable[..., Recording]) -> None:
    """A path of this checkout in the inputs would be a difference on the next engineer's laptop."""
    source = declare().named("web-copy").inputs["source"]
    assert source["path"].startswith(".local/bootstrap/web-") and source["path"].endswith(".pyz")


def test_earlier_contents_of_the_same_role_are_removed_and_no_other(tmp_path: Path) -> None:
    """Homes that only ever grow; or a role that removes the file of another one, whose next run then fails."""
    import subprocess

    current = ".bootstrap-web-bbbbbbbbbbbbbbbb.pyz"
    others = [".bootstrap-web-release-cccccccccccccccc.pyz", ".bashrc", ".bootstrap-database-dddddddddddddddd.pyz"]
    for name in (current, ".bootstrap-web-aaaaaaaaaaaaaaaa.pyz", *others):
        (tmp_path / name).touch()
    line = command("web", current).replace("sudo -n /usr/bin/python3", "true")
    subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True)
    assert {entry.name for entry in tmp_path.iterdir()} == {current, *others}
