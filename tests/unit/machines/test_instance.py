"""Instances keep apart from each other, and from what the host already routes."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from localcloud.machines import instance as module
from localcloud.machines.instance import choose_block, identifier, leg_block, load, public_block
from localcloud.machines.interface import MachineError


def test_identifier_is_six_hexadecimal_digits_of_the_home() -> None:
    assert len(identifier(Path("/a"))) == 6 and int(identifier(Path("/a")), 16) >= 0
    assert identifier(Path("/a")) != identifier(Path("/b"))


def test_block_is_by_hash_and_passes_by_what_is_routed() -> None:
    # Incident: two checkouts, or a VPN that uses the range, and one's servers answer for the other's addresses.
    first = choose_block("0000ff", [])
    assert first == 255
    assert choose_block("0000ff", [public_block(255)]) == 0
    assert choose_block("0000ff", [leg_block(255), public_block(0)]) == 1
    assert choose_block("0000ff", [IPv4Network("198.18.128.0/17")]) == 0
    with pytest.raises(MachineError, match=r"198\.18\.0\.0/16 is in use"):
        choose_block("0000ff", [IPv4Network("198.18.0.0/15")])


def test_block_is_kept_with_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Incident: a restarted daemon takes another range, and the addresses in its state are nobody's.
    monkeypatch.setattr(module, "host_routes", lambda leave_out: [])
    first = load(tmp_path, tmp_path)
    monkeypatch.setattr(module, "host_routes", lambda leave_out: [first.public_ipv4])
    assert load(tmp_path, tmp_path) == first
    assert json.loads((tmp_path / "machines" / "instance.json").read_text())["block"] == first.block


def test_names_carry_the_identifier_and_fit_an_interface(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "host_routes", lambda leave_out: [])
    made = load(tmp_path, tmp_path)
    assert len(made.leg) <= 15
    names = [made.hub, made.server_namespace(1), made.network_namespace(2), made.balancer_namespace(3)]
    assert all(made.owns_namespace(name) and made.id in name for name in names)
    assert not made.owns_namespace(f"{made.hub}0")
