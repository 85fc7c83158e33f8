"""Preflight: each machine that cannot do it is told so in a sentence, before anything is installed on it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scripts.toolchain import preflight
from scripts.toolchain.preflight import Machine

GOOD = Machine(
    system="Linux",
    kernel="6.1.0-18-amd64",
    user=0,
    free_gb=50.0,
    memory_gib=7.6,
    filesystems=frozenset({"ext4", "overlay"}),
    prepared=False,
)


def test_a_good_machine_has_no_problem() -> None:
    assert preflight.problems(GOOD) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"system": "Darwin"}, ("Darwin", "virtual machine")),
        ({"user": 1000}, ("root", "sudo")),
        ({"kernel": "4.19.0-26-amd64"}, ("4.19.0", "5.11")),
        ({"kernel": "5.10.0-8-amd64"}, ("5.10.0", "5.11")),
        ({"filesystems": frozenset({"ext4"}), "kernel": "9.9.9-none"}, ("overlayfs", "modprobe overlay")),
        ({"free_gb": 9.2}, ("9.2 GB", "10 GB", "XDG_CACHE_HOME")),
        ({"free_gb": 1.0, "prepared": True}, ("1.0 GB", "2 GB")),
        ({"memory_gib": 1.9}, ("1.9 GiB", "3.5")),
    ],
)
def test_each_lack_is_one_sentence_with_a_way_on(change: dict[str, object], words: tuple[str, ...]) -> None:
    """Half an hour into the first run, mmdebstrap failed for want of disk, with a message about a pipe."""
    (problem,) = preflight.problems(replace(GOOD, **change))  # type: ignore[arg-type]
    assert all(word in problem for word in words), problem
    assert "\n" not in problem


def test_all_lacks_are_told_at_once() -> None:
    assert len(preflight.problems(replace(GOOD, user=1, free_gb=0.5, memory_gib=0.5))) == 3


def test_a_prepared_machine_needs_less_disk() -> None:
    """A machine that runs the store was refused the next deployment, as its cache had taken the 10 GB."""
    assert preflight.problems(replace(GOOD, free_gb=5.0, prepared=True)) == []


def test_unit_tests_need_neither_root_nor_memory() -> None:
    assert preflight.problems(replace(GOOD, user=1000, kernel="4.4.0", memory_gib=1.0), boots=False) == []


def test_this_machine_can_be_looked_at() -> None:
    machine = preflight.look()
    assert machine.system == "Linux" and machine.memory_gib > 0 and machine.free_gb > 0 and machine.filesystems


def test_a_kernels_version_is_numbers() -> None:
    """Compared as text, 5.4 was newer than 5.11."""
    assert preflight.kernel_version("5.4.0-generic") < preflight.OLDEST_KERNEL < preflight.kernel_version("5.15.0")
