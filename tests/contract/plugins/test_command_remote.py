"""remote.Command, CopyToRemote and CopyFile against an SSH server on loopback."""

from __future__ import annotations

import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from localcloud.plugins.base.values import SECRET_SIGNATURE, SIGNATURE, UNKNOWN, Archive, Asset
from tests.contract.plugins.driver import Failed, Plugin
from tests.contract.plugins.sshd import PASSWORD, Server, serve

COMMAND, COPY, FILE = "remote:Command", "remote:CopyToRemote", "remote:CopyFile"


@pytest.fixture(scope="module")
def sshd() -> Iterator[Server]:
    with serve() as server:
        yield server


def test_a_command_gets_its_stdin_and_gives_its_output(command: Plugin, sshd: Server) -> None:
    inputs = {"connection": sshd.connection, "create": "cat; echo err >&2", "stdin": "secret in", "logging": "stderr"}
    made = command.create(COMMAND, "run", **inputs)
    assert (made.outputs["stdout"], made.outputs["stderr"]) == ("secret in", "err")
    assert [message for _, message, _ in command.log.lines] == ["err"]
    command.settled(made, **inputs)


def test_a_connection_is_secret_and_gets_its_defaults(command: Plugin, sshd: Server) -> None:
    """It holds a private key; a state or a diff that showed it would be a leak."""
    checked = command.check(COMMAND, "run", {"connection": {"host": "h"}, "create": "x"})
    expected = {"host": "h", "user": "root", "port": 22, "dialErrorLimit": 10, "perDialTimeout": 15}
    assert checked["connection"] == expected
    field = command.raw["Check"].inputs.fields["connection"].struct_value
    assert field.fields[SIGNATURE].string_value == SECRET_SIGNATURE
    command.create(COMMAND, "run", connection=sshd.connection, create="true")
    field = command.raw["Create"].properties.fields["connection"].struct_value
    assert field.fields[SIGNATURE].string_value == SECRET_SIGNATURE


def test_a_host_that_shows_another_key_is_refused(command: Plugin, sshd: Server) -> None:
    """Else whoever answers at the address gets the database's password by stdin."""
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with pytest.raises(Failed, match="host key mismatch"):
        command.create(COMMAND, "run", connection=sshd.connection | {"hostKey": other}, create="true")


def test_a_wrong_key_says_so_and_shows_none(command: Plugin, sshd: Server) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    with pytest.raises(Failed) as failed:
        command.create(COMMAND, "run", connection=sshd.connection | {"privateKey": other}, create="true")
    assert "unable to authenticate" in str(failed.value)
    assert other.splitlines()[1] not in str(failed.value)


def test_a_password_lets_in_too(command: Plugin, sshd: Server) -> None:
    connection = {key: value for key, value in sshd.connection.items() if key != "privateKey"} | {"password": PASSWORD}
    assert command.create(COMMAND, "run", connection=connection, create="echo in").outputs["stdout"] == "in"


@pytest.mark.parametrize("limit", [0, 2])
def test_dials_are_counted(command: Plugin, limit: int) -> None:
    connection = {"host": "127.0.0.1", "port": 1, "dialErrorLimit": limit}
    with pytest.raises(Failed, match=f"after {limit} failed attempts"):
        command.create(COMMAND, "run", connection=connection, create="true")
    assert len(command.log.lines) == limit


def test_a_machine_that_is_still_booting_is_waited_for(command: Plugin) -> None:
    """dialErrorLimit -1: a server answers SSH some seconds after its creation."""
    found: list[Any] = []
    with serve() as server:
        pass  # its port is free now, and nobody answers there
    connection = server.connection | {"dialErrorLimit": -1}

    def create() -> None:
        try:
            command.create(COMMAND, "run", connection=connection, create="true", timeout=1)
        except Failed as error:
            found.append(error)

    running = threading.Thread(target=create)
    running.start()
    running.join(15)
    assert "timed out after 1 s" in str(found[0])
    assert len(command.log.lines) > 1 and "Dial 1/inf failed: retrying" in command.log.lines[0][1]


def test_a_proxy_is_gone_through(command: Plugin, sshd: Server) -> None:
    with serve() as bastion:
        connection = sshd.connection | {"proxy": bastion.connection | {"user": "jump"}}
        made = command.create(COMMAND, "run", connection=connection, create="echo through")
        assert made.outputs["stdout"] == "through"
        assert bastion.accepted == ["jump"]
        with pytest.raises(Failed, match=r"^proxy: "):
            wrong = connection["proxy"] | {"hostKey": sshd.host_key}
            command.create(COMMAND, "run", connection=connection | {"proxy": wrong}, create="true")


def test_a_variable_that_sshd_refuses_is_an_error(command: Plugin, sshd: Server) -> None:
    """The command would run without it, and do something else than it was told."""
    inputs = {"connection": sshd.connection, "create": "echo $ALLOWED$REFUSED"}
    made = command.create(COMMAND, "run", environment={"ALLOWED": "yes"}, **inputs)
    assert made.outputs["stdout"] == "yes"
    with pytest.raises(Failed, match="could not set environment variable 'REFUSED'"):
        command.create(COMMAND, "run", environment={"REFUSED": "x"}, **inputs)
    assert any("AcceptEnv" in message for _, message, _ in command.log.lines)


def test_the_last_output_that_sshd_refuses_is_only_warned_of(command: Plugin, sshd: Server) -> None:
    inputs = {
        "connection": sshd.connection,
        "create": "echo one; echo err >&2",
        "update": "echo $PULUMI_COMMAND_STDERR",
    }
    made = command.create(COMMAND, "run", **inputs)
    changed = command.update(made, **inputs, stdin="x")
    assert changed.outputs["stdout"] == "err"
    warnings = [message for severity, message, _ in command.log.lines if severity == "warning"]
    assert len(warnings) == 1 and "PULUMI_COMMAND_STDOUT" in warnings[0]
    command.log.lines.clear()
    command.update(changed, **inputs, addPreviousOutputInEnv=False)
    assert not [message for severity, message, _ in command.log.lines if severity == "warning"]


def test_a_failure_shows_status_and_output(command: Plugin, sshd: Server) -> None:
    with pytest.raises(Failed) as failed:
        command.create(COMMAND, "run", connection=sshd.connection, create="echo why >&2; exit 4")
    assert str(failed.value).startswith('Process exited with status 4: running "echo why >&2; exit 4":\n')
    assert "why" in str(failed.value)


def test_delete_runs_over_there(command: Plugin, sshd: Server, tmp_path: Path) -> None:
    left = tmp_path / "left"
    made = command.create(COMMAND, "run", connection=sshd.connection, create="true", delete=f"touch {left}")
    command.delete(made)
    assert left.exists()


def test_another_connection_runs_the_update(command: Plugin, sshd: Server) -> None:
    """A server that was replaced has another address: what it is to become must run there too."""
    made = command.create(COMMAND, "run", connection=sshd.connection, create="echo x")
    difference = command.diff(made, {"connection": sshd.connection | {"user": "root"}, "create": "echo x"})
    assert difference.changes == {"connection.user": "update"} and not difference.replaces


def test_a_preview_with_an_unknown_host_plans(command: Plugin) -> None:
    made = command.create(COMMAND, "run", preview=True, connection={"host": UNKNOWN}, create="true")
    assert made.outputs["stdout"] is UNKNOWN
    made = command.create(COPY, "c", preview=True, connection={"host": UNKNOWN}, source=UNKNOWN, remotePath="/x")
    assert made.outputs["source"] is UNKNOWN


def folder(root: Path) -> Path:
    made = root / "site"
    (made / "sub").mkdir(parents=True)
    (made / "a.txt").write_text("a")
    (made / "sub" / "b.txt").write_text("b")
    (made / "link").symlink_to("a.txt")
    return made


def tree(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


CONTENT = {"a.txt": "a", "sub/b.txt": "b", "link": "a"}


@pytest.mark.parametrize("slash", ["", "/"], ids=["folder", "folder/"])
@pytest.mark.parametrize("exists", [True, False], ids=["there", "not there"])
def test_where_a_folder_lands(command: Plugin, sshd: Server, tmp_path: Path, slash: str, exists: bool) -> None:
    """With a slash its content, without one the folder itself, whether or not the target is there."""
    source, target = folder(tmp_path), tmp_path / "deep" / "target"
    if exists:
        (target / "site").mkdir(parents=True)
        (target / "kept").write_text("kept")
    archive = Archive(path=f"{source}{slash}", hash="1")
    command.create(COPY, "c", connection=sshd.connection, source=archive, remotePath=str(target))
    below = CONTENT if slash else {f"site/{name}": text for name, text in CONTENT.items()}
    assert tree(target) == below | ({"kept": "kept"} if exists else {})


def test_where_a_file_lands(command: Plugin, sshd: Server, tmp_path: Path) -> None:
    source = tmp_path / "release.tar.zst"
    source.write_bytes(b"\0" * 300_000)
    source.chmod(0o755)
    inputs = {"connection": sshd.connection, "source": Asset.of_file(str(source))}
    target = tmp_path / "new" / "name"
    command.create(COPY, "c", remotePath=str(target), **inputs)
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_mode & 0o111 == 0, "modes do not travel"
    command.create(COPY, "c", remotePath=str(target.parent), **inputs)
    assert (target.parent / source.name).exists()
    source.write_text("short")
    command.create(COPY, "c", remotePath=str(target), **inputs)
    assert target.read_text() == "short", "what was longer before must not show through"


def test_a_text_needs_a_name(command: Plugin, sshd: Server, tmp_path: Path) -> None:
    inputs = {"connection": sshd.connection, "source": Asset(text="hello", hash="1")}
    command.create(COPY, "c", remotePath=str(tmp_path / "new" / "text"), **inputs)
    assert (tmp_path / "new" / "text").read_text() == "hello"
    with pytest.raises(Failed, match="must be a file path"):
        command.create(COPY, "c", remotePath=str(tmp_path), **inputs)


def test_a_folder_does_not_replace_a_file(command: Plugin, sshd: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(Failed, match="not a directory"):
        archive = Archive(path=str(folder(tmp_path)), hash="1")
        command.create(COPY, "c", connection=sshd.connection, source=archive, remotePath=str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "precious"


def test_an_archive_file_is_copied_as_it_is_and_an_archive_of_assets_unpacked(
    command: Plugin, sshd: Server, tmp_path: Path
) -> None:
    packed = tmp_path / "packed.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        tar.add(folder(tmp_path) / "a.txt", "a.txt")
    inner = Archive(path=str(packed), hash="3")
    assets = Archive(hash="2", assets={"x/text": Asset(text="t", hash="1"), "unpacked": inner})
    command.create(COPY, "c", connection=sshd.connection, source=inner, remotePath=str(tmp_path / "copy.tar.gz"))
    assert (tmp_path / "copy.tar.gz").read_bytes() == packed.read_bytes()
    command.create(COPY, "c", connection=sshd.connection, source=assets, remotePath=str(tmp_path / "out"))
    assert tree(tmp_path / "out") == {"x/text": "t", "unpacked/a.txt": "a"}


def test_only_content_and_path_copy_again(command: Plugin, sshd: Server, tmp_path: Path) -> None:
    """A new address of the same server must not send a release of 120 MB to it once more."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("1")
    inputs = {"connection": sshd.connection, "source": Asset.of_file(str(source)), "remotePath": str(target)}
    made = command.create(COPY, "c", **inputs)
    command.settled(made, **inputs)
    target.write_text("touched")
    other = inputs | {"connection": sshd.connection | {"perDialTimeout": 20}}
    made = command.update(made, **other)
    assert target.read_text() == "touched"
    source.write_text("2")
    made = command.update(made, **(other | {"source": Asset.of_file(str(source))}))
    assert target.read_text() == "2"
    assert command.diff(made, other | {"triggers": [1]}).replaces == ["triggers"]


def test_copy_file_is_replaced_by_every_change(command: Plugin, sshd: Server, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    inputs = {"connection": sshd.connection, "localPath": str(tmp_path / "a"), "remotePath": str(tmp_path / "b")}
    made = command.create(FILE, "c", **inputs)
    assert (tmp_path / "b").read_text() == "a"
    assert command.diff(made, inputs | {"remotePath": str(tmp_path / "c")}).replaces == ["remotePath"]


def test_a_large_file_goes_over_in_seconds(command: Plugin, sshd: Server, tmp_path: Path) -> None:
    """A release is 120 MB for each instance. Here it is 16 MB, with both ends in one Python."""
    source = tmp_path / "big"
    source.write_bytes(b"0123456789abcdef" * (1 << 20))
    started = time.monotonic()
    asset = Asset.of_file(str(source))
    command.create(COPY, "c", connection=sshd.connection, source=asset, remotePath=str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()
    assert time.monotonic() - started < 30
