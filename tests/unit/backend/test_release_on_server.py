"""`store-release` on an instance: what it refuses, and what it does when a release does not start."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from components.backend.bootstrap.store_release import activate as activating
from components.backend.bootstrap.store_release import cli, common
from components.backend.bootstrap.store_release.activate import activate
from components.backend.bootstrap.store_release.install import install
from components.backend.release import Release, ReleaseError, read
from tests.unit.configurations import tiny_release

OLD, NEW = "0" * 16, "1" * 16


class Machine:
    """Stands for systemd and Medusa: `broken` releases never become healthy."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.broken: set[str] = set()
        self.calls: list[str] = []

    def systemctl(self, *arguments: str) -> int:
        self.calls.append(" ".join(arguments))
        return 0

    def wait(self, seconds: float) -> str | None:
        return "Medusa does not answer" if self.serving in self.broken else None

    @property
    def serving(self) -> str:
        return common.CURRENT.resolve().name


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine(tmp_path)
    for name in ("RELEASES", "ETC", "UNITS"):
        folder = tmp_path / name.lower()
        folder.mkdir()
        monkeypatch.setattr(common, name, folder)
    for name in ("CURRENT", "RELEASE_MAP", "SIGNATURE"):
        monkeypatch.setattr(common, name, tmp_path / name.lower())
    for unit in ("medusa.service", "medusa-worker.service"):
        (tmp_path / "units" / unit).write_text("[Unit]\n")
    for digest in (OLD, NEW):
        (tmp_path / "releases" / digest).mkdir()
        (tmp_path / "releases" / digest / "release.json").write_text("{}")
    monkeypatch.setattr(common, "ADMIN_SOCKET", str(tmp_path / "no-socket"))
    monkeypatch.setattr(activating, "systemctl", found.systemctl)
    monkeypatch.setattr(activating, "wait_until_healthy", found.wait)
    monkeypatch.setattr(activating, "healthy", lambda: found.wait(0))
    monkeypatch.setattr(activating, "journal", lambda unit="medusa": "Error: Cannot find module 'express'")
    monkeypatch.setattr(activating, "drain", lambda: found.calls.append("drain"))
    monkeypatch.setattr(activating, "undrain", lambda: found.calls.append("undrain"))
    return found


def test_the_first_release_is_served(machine: Machine) -> None:
    activate(NEW, {"A": "1", "DATABASE_URL": "postgres://x"}, False)
    assert machine.serving == NEW
    assert (common.ETC / "medusa.env").read_text() == 'A="1"\nDATABASE_URL="postgres://x"\n'
    assert (common.ETC / "ready.env").read_text() == 'DATABASE_URL="postgres://x"\n'
    assert (common.ETC / "medusa.env").stat().st_mode & 0o777 == 0o600
    assert common.RELEASE_MAP.read_text() == f"9000 {NEW[:12]}\n"
    assert machine.calls == ["restart medusa-ready", "restart medusa", "restart --no-block medusa-worker"]


def test_the_same_again_restarts_nothing(machine: Machine) -> None:
    """Every `pulumi up` that touches an instance would cost its customers a restart."""
    activate(NEW, {"A": "1"}, False)
    machine.calls.clear()
    activate(NEW, {"A": "1"}, False)
    assert machine.calls == []


@pytest.mark.parametrize("change", ["environment", "unit"])
def test_what_medusa_is_started_with_changed(machine: Machine, change: str) -> None:
    """A rotated password that waits for the next reboot is found on the day of the next reboot."""
    activate(NEW, {"A": "1"}, False)
    machine.calls.clear()
    if change == "unit":
        (common.UNITS / "medusa.service").write_text("[Unit]\nDescription=other\n")
    activate(NEW, {"A": "2" if change == "environment" else "1"}, False)
    assert "restart medusa" in machine.calls


def test_a_release_that_does_not_start_leaves_the_one_before_serving(machine: Machine) -> None:
    """A deploy that fails at three in the morning must cost nothing but the deploy."""
    activate(OLD, {"A": "1"}, False)
    machine.broken = {NEW}
    with pytest.raises(common.Problem) as raised:
        activate(NEW, {"A": "2"}, False)
    assert machine.serving == OLD
    assert (common.ETC / "medusa.env").read_text() == 'A="1"\n'
    for part in (NEW, "Medusa does not answer", "Cannot find module 'express'", f"release {OLD} serves again"):
        assert part in str(raised.value)


def test_customers_are_sent_to_the_others_first(machine: Machine) -> None:
    """And only then: alone, an instance that drains is closed for longer than one that restarts."""
    activate(OLD, {}, True)
    assert "drain" not in machine.calls
    machine.calls.clear()
    machine.broken = {NEW}
    with pytest.raises(common.Problem):
        activate(NEW, {}, True)
    assert machine.calls[1] == "drain" and machine.calls[-1] == "undrain", "also when it failed"


def test_an_environment_as_systemd_reads_it() -> None:
    """A quote in a password would end the value, and what follows would be another variable's."""
    assert common.environment_file({"A": 'x"y\\z $HOME', "B": ""}) == 'A="x\\"y\\\\z $HOME"\nB=""\n'


def test_an_archive_that_was_changed_on_the_way_is_not_unpacked(machine: Machine, tmp_path: Path) -> None:
    """A copy that broke off half-way must not become a release."""
    archive = tiny_release(tmp_path)
    with pytest.raises(common.Problem, match="not the release that was built"):
        install(archive, read(archive).digest, "0" * 64)
    assert archive.exists()


def test_install_unpacks_once_and_forgets_old_ones(machine: Machine, tmp_path: Path) -> None:
    """Releases of a third of a gigabyte each fill a disk within a month of deploys."""
    archive = tiny_release(tmp_path)
    described = read(archive)
    common.CURRENT.symlink_to(common.RELEASES / OLD)
    os.utime(common.RELEASES / NEW, (1, 1))
    recent = common.RELEASES / ("2" * 16)
    recent.mkdir()
    install(archive, described.digest, described.sha256)
    assert (common.RELEASES / described.digest / "release.json").is_file() and not archive.exists()
    kept = {path.name for path in common.RELEASES.iterdir() if not path.name.startswith(".")}
    assert kept == {described.digest, OLD, recent.name}
    install(archive, described.digest, described.sha256)


def test_the_log_is_told_in_words() -> None:
    """Forty lines of JSON hide the one that says why."""
    log = '{"level":"error","message":"no table","timestamp":"x"}\nplain'
    assert common.readable(log) == "error: no table\nplain"


@pytest.mark.parametrize("arguments", [["install", "x"], ["activate"], ["nonsense"], ["migrate", "a", "b"], []])
def test_wrong_calls_get_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    assert "store-release install ARCHIVE DIGEST SHA256" in capsys.readouterr().out


def test_what_the_program_reads_of_an_archive(tmp_path: Path) -> None:
    archive = tiny_release(tmp_path)
    found = read(archive)
    assert isinstance(found, Release) and len(found.digest) == 16
    assert found.sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
    with pytest.raises(ReleaseError, match="is not there"):
        read(tmp_path / "absent.tar.zst")


def test_it_runs_with_the_distributions_python_alone(tmp_path: Path) -> None:
    """An instance has no packages of ours; the role lays the folder out like this."""
    shutil.copytree(Path(cli.__file__).parent, tmp_path / "store_release")
    (tmp_path / "store_release" / "start.py").rename(tmp_path / "__main__.py")
    command = ["python3", "-I", "-S", "-B", str(tmp_path), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "store-release install" in done.stdout
