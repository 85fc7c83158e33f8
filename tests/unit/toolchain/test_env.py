"""scripts/env, sourced as people source it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ENV = Path(__file__).resolve().parents[3] / "scripts" / "env"
SHELLS = [shell for shell in ("bash", "zsh") if shutil.which(shell)]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "a checkout"
    (root / "scripts").mkdir(parents=True)
    shutil.copy2(ENV, root / "scripts")
    for name in (".venv/bin/python", ".local/toolchain/pulumi"):
        path = root / name
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    (root / ".local" / "cloud").mkdir()
    (root / ".local" / "cloud" / "token").write_text("t" * 64)
    return root


def shell(name: str, script: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HCLOUD", "LOCALCLOUD", "OPTIC"))}
    options = ["--norc", "--noprofile"] if name == "bash" else ["-f"]
    return subprocess.run(
        [name, *options, "-c", script], cwd=cwd, env={**clean, **variables}, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", SHELLS)
def test_it_can_be_sourced_from_any_folder(name: str, checkout: Path) -> None:
    """Sourced from another folder, it put that folder's own `scripts` on the path."""
    result = shell(
        name, f'set -u; . "{checkout}/scripts/env"; echo $?; echo "$PATH"; echo "$HCLOUD_ENDPOINT"', Path("/")
    )
    status, path, endpoint = result.stdout.splitlines()
    assert (status, result.stderr) == ("0", "")
    assert path.startswith(f"{checkout}/scripts/toolchain/shim:{checkout}/.venv/bin:")
    assert endpoint == "http://127.0.0.1:8470/v1"


@pytest.mark.parametrize("name", SHELLS)
def test_twice_is_as_once(name: str, checkout: Path) -> None:
    """Each time it was sourced the path grew, and the caller's own token was lost."""
    script = (
        'one=$PATH; . scripts/env; two=$PATH; . scripts/env; [ "$PATH" = "$two" ] && [ "$PATH" != "$one" ]; echo $?; '
    )
    result = shell(name, script + 'echo "$OPTICWORKS_OUTER_HCLOUD_TOKEN $HCLOUD_TOKEN"', checkout, HCLOUD_TOKEN="mine")
    assert result.stdout.splitlines() == ["0", "mine " + "t" * 64]


@pytest.mark.parametrize("name", SHELLS)
def test_the_systems_own_commands_come_first(name: str, checkout: Path) -> None:
    """`find -exec test` ran the store's test-suite: scripts/ holds a `test` and an `env`."""
    for command in ("test", "env"):
        (checkout / "scripts" / command).chmod(0o755) if command == "env" else (checkout / "scripts" / command).touch(
            0o755
        )
    result = shell(name, '. scripts/env; env sh -c "command -v env"', checkout)
    assert result.stdout.strip() in ("/usr/bin/env", "/bin/env")


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize("lacking", [".venv/bin/python", ".local/toolchain/pulumi", ".local/cloud/token"])
def test_what_is_missing_is_one_sentence_and_the_shell_stays(name: str, lacking: str, checkout: Path) -> None:
    """An `exit` in a sourced file closed people's terminals."""
    (checkout / lacking).unlink()
    result = shell(name, '. scripts/env; echo "still here $?"', checkout)
    assert result.stdout == "still here 1\n"
    assert result.stderr.count("\n") == 1 and "scripts/up" in result.stderr


@pytest.mark.parametrize("name", SHELLS)
def test_it_does_not_end_a_shell_that_ends_on_errors(name: str, checkout: Path) -> None:
    """A script with `set -e` ended at this line, without a word, when the cloud had not been started with a port."""
    result = shell(name, "set -eu; . scripts/env; echo on", checkout)
    assert (result.stdout, result.stderr) == ("on\n", "")


@pytest.mark.skipif(shutil.which("dash") is None, reason="no other shell here")
def test_another_shell_is_told_which_to_use(checkout: Path) -> None:
    """Debian's sh said "Bad substitution"."""
    said = subprocess.run(["dash", "-c", ". ./scripts/env"], cwd=checkout, capture_output=True, text=True)
    assert said.returncode != 0 and "bash and zsh" in said.stderr and "substitution" not in said.stderr
