"""The runtime's steps that need no server: files, reports, facts, firewall fragments."""

from __future__ import annotations

import grp
import io
import os
import pwd
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from components.bootstrap import files, firewall, packages, run, services
from components.bootstrap.host import Host
from components.bootstrap.report import Failure

OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name


@pytest.fixture
def host() -> Host:
    return Host("test", {"name": "x"}, {"password": "hunter2hunter2"})


@pytest.fixture
def put(host: Host) -> Callable[..., bool]:
    def put(path: Path, content: str, **options: object) -> bool:
        return files.file(host, str(path), content, owner=OWNER, group=GROUP, **options)  # type: ignore[arg-type]

    return put


def test_a_file_is_written_once(put: Callable[..., bool], host: Host, tmp_path: Path) -> None:
    path = tmp_path / "conf"
    assert put(path, "a\n", mode=0o640) is True
    assert put(path, "a\n", mode=0o640) is False
    assert put(path, "b\n", mode=0o640) is True
    assert put(path, "b\n", mode=0o600) is True
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("b\n", 0o600)
    assert (host.report.changed_count, host.report.ok_count) == (3, 1)


def test_a_secret_is_never_readable_not_even_for_a_moment(
    put: Callable[..., bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written first and closed to others afterwards, a secret is open to whoever watches the directory."""
    modes: list[int] = []
    replace = os.replace

    def watch(source: str, target: Path) -> None:
        modes.append(stat.S_IMODE(os.stat(source).st_mode))
        replace(source, target)

    monkeypatch.setattr(os, "replace", watch)
    monkeypatch.setattr(os, "fsync", lambda handle: modes.append(stat.S_IMODE(os.fstat(handle).st_mode)))
    put(tmp_path / "env", "SECRET=x\n", mode=0o600, secret=True)
    assert modes[:2] == [0o600, 0o600]
    with pytest.raises(Failure, match="must not be open to others"):
        put(tmp_path / "open", "SECRET=x\n", mode=0o644, secret=True)


def test_a_file_that_its_program_refuses_does_not_replace_the_old_one(put: Callable[..., bool], tmp_path: Path) -> None:
    """A broken sshd_config locks everybody out at the next restart."""
    path = tmp_path / "conf"
    put(path, "good\n")
    with pytest.raises(Failure, match="exit code 1"):
        put(path, "bad\n", check=["grep", "good", "{}"])
    assert path.read_text() == "good\n"
    assert put(path, "good too\n", check=["grep", "good", "{}"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["conf"]


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk in the middle of a write must not leave half a configuration."""
    path = tmp_path / "conf"
    path.write_text("old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_atomically(path, b"new", 0o600, os.getuid(), os.getgid())
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_a_link_is_switched_and_never_replaces_a_file(host: Host, tmp_path: Path) -> None:
    link = str(tmp_path / "current")
    assert (
        files.symlink(host, link, "one") and files.symlink(host, link, "two") and not files.symlink(host, link, "two")
    )
    assert os.readlink(link) == "two"
    (tmp_path / "data").write_text("kept")
    with pytest.raises(Failure, match="not a symbolic link"):
        files.symlink(host, str(tmp_path / "data"), "one")


def test_lines_are_commented_out_once(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "sshd_config"
    path.write_text("AcceptEnv LANG LC_*\n# AcceptEnv X\nPort 22\n  AcceptEnv COLORTERM\n")
    assert files.comment_out(host, str(path), r"[ \t]*AcceptEnv\b")
    assert path.read_text() == "#AcceptEnv LANG LC_*\n# AcceptEnv X\nPort 22\n#  AcceptEnv COLORTERM\n"
    assert not files.comment_out(host, str(path), r"[ \t]*AcceptEnv\b")


def test_no_report_shows_a_secret(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    """What a run prints is in Pulumi's log, in CI's log and in the state."""
    host.report.begin("step hunter2hunter2")
    host.report.changed("set to hunter2hunter2")
    host.report.failed(Failure("psql said: hunter2hunter2 is bad", "try hunter2hunter2"))
    shown = capsys.readouterr()
    assert "hunter2" not in shown.out + shown.err
    assert "[secret]" in shown.out and "What to do:" in shown.err


def test_a_failed_command_says_which_and_what_it_said(host: Host) -> None:
    with pytest.raises(Failure) as failed:
        host.run(["sh", "-c", "echo the disk is full >&2; exit 3"], fix="make room.")
    assert "exit code 3: the disk is full" in failed.value.problem and failed.value.fix == "make room."
    with pytest.raises(Failure, match="no-such-command is not installed"):
        host.run(["no-such-command"])


@pytest.mark.parametrize("text", ["[]", '{"a": 1}', "hunter2hunter2", '{"a":'])
def test_secrets_that_cannot_be_read_are_not_quoted(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """json's own error message quotes the document."""
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    with pytest.raises(Failure, match="standard input is not a JSON object") as failed:
        run.read_secrets()
    assert "hunter2" not in str(failed.value)


def test_a_services_files_are_remembered_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that broke off between a file and the restart must restart in the next one."""
    monkeypatch.setattr(services, "STATE", tmp_path / "state" / "applied")
    monkeypatch.setattr(services, "write_atomically", lambda path, data, mode: path.write_bytes(data))
    (tmp_path / "state").mkdir()
    conf, folder = tmp_path / "a.conf", tmp_path / "conf.d"
    conf.write_text("1")
    folder.mkdir()
    watched = [str(conf), str(folder), str(tmp_path / "missing")]
    first = services.files_digest(watched)
    assert not services.applied("unit", first)
    services.remember("unit", first)
    assert services.applied("unit", services.files_digest(watched))
    assert stat.S_IMODE((tmp_path / "state" / "applied").stat().st_mode) == 0o700
    (folder / "b.conf").write_text("2")
    assert not services.applied("unit", services.files_digest(watched))


def test_firewall_fragments_are_sorted_and_refuse_what_is_no_network(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Order that changes from run to run reloads the firewall each time; a typing error must not open a port."""
    written: dict[str, str] = {}
    monkeypatch.setattr(files, "file", lambda _host, path, content: written.update({path: content}))
    monkeypatch.setattr(firewall, "load", lambda _host: True)
    firewall.allow(host, "web", [firewall.Allow(8000, ["10.0.4.10", "10.0.1.0/24"])])
    assert (
        written["/etc/nftables.d/web.nft"].splitlines()[1]
        == "ip saddr { 10.0.1.0/24, 10.0.4.10/32 } tcp dport 8000 accept"
    )
    with pytest.raises(Failure, match="port 8000 is no network"):
        firewall.allow(host, "web", [firewall.Allow(8000, ["10.0.1.0/240"])])
    with pytest.raises(Failure, match="port 8000 has no source"):
        firewall.allow(host, "web", [firewall.Allow(8000, [])])


def test_apt_is_not_called_when_nothing_is_missing(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """apt takes a lock and half a second even when it has nothing to do, and fails when the mirror is away."""
    monkeypatch.setattr(packages, "installed", lambda _host, names: set(names))
    monkeypatch.setattr(host, "run", lambda *_args, **_kwargs: pytest.fail("something was run"))
    assert packages.package(host, ["redis-server"]) is False


def test_variables_and_secrets_that_are_missing_are_named(host: Host) -> None:
    assert (host.variable("name"), host.secret("password")) == ("x", "hunter2hunter2")
    with pytest.raises(Failure, match="no variable 'size'"):
        host.variable("size")
    with pytest.raises(Failure, match="no secret 'token'"):
        host.secret("token")
