"""SSH: incidents are a shell on an impostor, a private key left in /tmp, and a command run on the wrong server."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts.operator.errors import OperatorError, UsageProblem
from scripts.operator.ssh import config, hosts, session
from tests.unit.store.fakes import FakePulumi

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake comment"
OUTPUTS: dict[str, Any] = {
    "sshHosts": {
        "medusa-prod": {"hostName": "203.0.113.5", "user": "deploy", "port": 22, "hostKey": KEY},
        "postgres-prod": {"hostName": "203.0.113.6", "user": "deploy", "port": 2222, "hostKey": KEY},
    }
}
MEDUSA = hosts.from_outputs(OUTPUTS)["medusa-prod"]


def option(command: tuple[str, ...], name: str) -> str:
    """The value of `-o NAME=…` as ssh itself understands the command line."""
    return next(word.split("=", 1)[1] for word in command if word.startswith(f"{name}="))


def test_the_host_key_is_pinned_and_nothing_else_is_trusted(tmp_path: Path) -> None:
    """After an address was given out again, ssh must refuse whoever answers there."""
    with session.credentials([MEDUSA], "KEY\n") as files:
        command = session.ssh_command(MEDUSA, files, ["uptime"])
        assert files.known_hosts.read_text() == f"medusa-prod {' '.join(KEY.split()[:2])}\n"
        assert option(command.argv, "UserKnownHostsFile") == str(files.known_hosts)
    assert option(command.argv, "StrictHostKeyChecking") == "yes"
    assert option(command.argv, "GlobalKnownHostsFile") == "/dev/null"
    assert option(command.argv, "HostKeyAlias") == "medusa-prod"
    assert command.argv[:3] == ("ssh", "-F", "none")
    assert command.argv[-3:] == ("--", "deploy@203.0.113.5", "uptime"), "a word after the host is never ssh's option"


def test_the_key_is_for_us_alone_and_gone_afterwards() -> None:
    """The stack's key opens every server: it must not stay on a laptop's disk, also when the command fails."""
    with pytest.raises(RuntimeError), session.credentials([MEDUSA], "KEY\n") as files:
        assert stat.S_IMODE(os.stat(files.identity).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(files.identity.parent).st_mode) == 0o700
        assert "KEY" not in " ".join(session.ssh_command(MEDUSA, files).argv)
        raise RuntimeError
    assert not files.identity.parent.exists()


def test_ones_own_key_is_used_where_it_lies(tmp_path: Path) -> None:
    """--identity must not copy, nor delete, a person's key."""
    own = tmp_path / "id"
    own.write_text("mine")
    with session.credentials([MEDUSA], None, own) as files:
        assert files.identity == own
    assert own.read_text() == "mine"


def test_a_server_without_a_host_key_is_not_connected_to() -> None:
    """An empty pin would mean any server."""
    outputs = {"sshHosts": {"medusa-prod": {"hostName": "203.0.113.5", "hostKey": ""}}}
    with pytest.raises(OperatorError, match="impostor"):
        hosts.from_outputs(outputs)


def test_hosts_are_picked_by_alias_or_its_unambiguous_beginning() -> None:
    """A typo lists the servers; it never connects to another one."""
    known = hosts.from_outputs(OUTPUTS)
    assert hosts.pick(known, "postgres").alias == "postgres-prod"
    with pytest.raises(UsageProblem) as refused:
        hosts.pick(known, "redis-prod")
    assert "medusa-prod, postgres-prod" in refused.value.advice


def test_no_servers_is_a_sentence() -> None:
    """Before the first up there is nothing to log in to."""
    with pytest.raises(OperatorError, match="no servers"):
        hosts.from_outputs({})


def test_a_stack_without_its_key_says_how_to_go_on() -> None:
    """The way out is named: make the secret, or bring your own key."""
    with pytest.raises(OperatorError) as failed:
        session.stack_key(FakePulumi().engine())
    assert "--identity" in failed.value.advice


@pytest.mark.parametrize("folder", ["plain", "with a space", "100%done", "a#b c"])
def test_the_config_block_is_what_ssh_understands(tmp_path: Path, folder: str) -> None:
    """`ssh medusa-prod`, as the guide has it, connects as deploy with the pinned key, wherever the checkout lies."""
    known = hosts.from_outputs(OUTPUTS)
    pinned = tmp_path / folder / "known_hosts"
    config.write_known_hosts(known.values(), pinned)
    block = tmp_path / "config"
    block.write_text(config.block(known.values(), pinned, str(tmp_path / folder / "key")))
    said = subprocess.run(["ssh", "-G", "-F", str(block), "postgres-prod"], capture_output=True, text=True, check=True)
    lines = said.stdout.splitlines()
    assert {"hostname 203.0.113.6", "user deploy", "port 2222", "stricthostkeychecking true"} <= set(lines)
    assert f"userknownhostsfile {pinned}" in lines
    # This one ssh shows as it is written, with percent signs doubled.
    assert f"identityfile {str(tmp_path / folder / 'key').replace('%', '%%')}" in lines
    assert len(pinned.read_text().splitlines()) == 2


def test_the_pin_holds_below_a_folder_with_spaces(tmp_path: Path) -> None:
    """ssh takes two names for two files, and would then know no host at all."""
    odd = tmp_path / "100% of it"
    odd.mkdir()
    files = session.Credentials(odd / "identity", odd / "known_hosts")
    command = session.ssh_command(MEDUSA, files)
    said = subprocess.run([command.argv[0], "-G", *command.argv[1:]], capture_output=True, text=True, check=True)
    assert f"userknownhostsfile {odd}/known_hosts" in said.stdout.splitlines()
