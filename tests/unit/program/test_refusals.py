"""The program where it must not go on, or must say what is coming."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import preflight
from components.settings import load
from tests.unit.configurations import SECRETS, configuration, public_key
from tests.unit.monitor import Recording, recorded, run_program


def run(environment: str, release: Path, changes: dict[str, str] | None = None, **how: Any) -> Recording:
    values = configuration(environment, release) | (changes or {})
    return run_program(values, secret_keys=SECRETS, stack=environment, **how)


def test_a_wrong_configuration_declares_nothing(release: Path) -> None:
    """Half of a stack made from a wrong setting has to be cleaned up by hand."""
    recording = Recording()

    with pytest.raises(pulumi.RunError) as caught:
        run("staging", release, {"stripeApiKey": "sk_live_" + "a" * 24, "medusaInstances": "0"}, into=recording)

    assert recording.resources == []
    assert recording.calls == [], "nothing was asked of anybody either"
    assert "stripeApiKey" in str(caught.value)
    assert "medusaInstances = 0" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"])
def test_an_archive_that_is_none_declares_nothing(content: bytes, release: Path, tmp_path: Path) -> None:
    """Found when the instances are to be told of it, it would leave paid servers with nothing on them."""
    broken = tmp_path / "medusa-0123456789abcdef.tar.zst"
    broken.write_bytes(content)
    recording = Recording()

    with pytest.raises(pulumi.RunError, match=r"backendRelease = .*is not a release archive") as caught:
        run("staging", release, {"backendRelease": str(broken)}, into=recording)

    assert "pulumi config set backendRelease" in str(caught.value)
    assert recording.resources == []
    assert recording.calls == []


def test_more_keys_than_a_first_boot_holds_declare_nothing(release: Path) -> None:
    """The Cloud API takes 32 KiB of user_data; its refusal would come after the network was made."""
    one = public_key().split()[0:2]
    wide = json.dumps([f"{one[0]} {one[1]} {'x' * 33_000}"])
    recording = Recording()

    with pytest.raises(pulumi.RunError, match=r"sshPublicKeys = 1 keys: user_data of .* takes 32768"):
        run("staging", release, {"sshPublicKeys": wide}, into=recording)

    assert recording.resources == []
    assert recording.calls == []


def test_a_plain_secret_declares_nothing(release: Path) -> None:
    recording = Recording()

    with pytest.raises(pulumi.RunError, match="jwtSecret: must be stored encrypted"):
        run_program(
            configuration("staging", release),
            secret_keys=tuple(key for key in SECRETS if key != "jwtSecret"),
            stack="staging",
            into=recording,
        )

    assert recording.resources == []


def test_a_sold_out_type_declares_nothing(release: Path) -> None:
    recording = Recording()

    with pytest.raises(pulumi.RunError, match=r"databaseServerType = cx33: is not to be had in nbg1 now; .*cx43"):
        run("staging", release, sold_out=frozenset({"cx33"}), into=recording)

    assert recording.resources == []


def test_a_token_that_is_refused_is_said_in_one_line(release: Path) -> None:
    with pytest.raises(pulumi.RunError, match=r"asked for the servers .* token you have provided is invalid") as caught:
        run("staging", release, failing="getServers")

    assert "\n" not in str(caught.value)


def test_balancer_keeps_its_type_while_targets_are_attached(release: Path) -> None:
    found = run("production", release, {"medusaInstances": "2"}, balancer_targets=26)

    assert found.named("load-balancer-balancer").inputs["loadBalancerType"] == "lb21"
    assert any("makes it lb11" in message for message in found.messages)


def test_more_members_than_a_network_takes_is_said(release: Path) -> None:
    def said(count: int) -> str:
        settings = load(configuration("production", release) | {"medusaInstances": str(count)}, "production")
        return " ".join(recorded(lambda: preflight.run(settings), stack="production").messages)

    assert "Hetzner attaches 100" in said(98)
    assert "attaches" not in said(97)
