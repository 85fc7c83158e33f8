"""Small parts of the machine layer that need no machine."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path

import pytest

from localcloud.machines import packages, processes, procfs, recipe, record, resolver
from localcloud.machines.interface import MachineError, PrivateNic, ServerSpec

SPEC = ServerSpec(
    1, "web", "debian-13", 2, 4.0, 40, user_data="#cloud-config\n", ssh_keys=("ssh-ed25519 A",),
    public_ipv4=IPv4Address("198.18.1.10"), public_ipv6=IPv6Network("fd5c:1:2:3::/64"),
)  # fmt: skip
NIC = PrivateNic(
    7, IPv4Address("10.0.1.1"), "86:00:00:00:00:01", (IPv4Address("10.0.1.9"),), IPv4Network("10.0.1.0/24")
)


def test_record_survives_being_written(tmp_path: Path) -> None:
    # Incident: a restarted daemon forgets a server's alias address or takes a volume for another.
    made = record.Record(SPEC, ("/image",)).with_nic(NIC).with_volume(3)
    record.write(tmp_path, made)
    assert record.read(tmp_path) == made
    assert (tmp_path / "machine.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(MachineError, match="no disk"):
        record.read(tmp_path / "other")


def test_interfaces_and_volumes_keep_their_positions() -> None:
    # Incident: detaching the first network renames the second interface, and every rule on it is void.
    made = record.Record(SPEC).with_nic(NIC).with_nic(replace(NIC, network_id=8)).without_nic(7)
    assert made.position(8) == 1
    assert made.with_nic(replace(NIC, network_id=9)).position(9) == 0
    assert made.with_nic(replace(NIC, network_id=8, alias_ips=())).position(8) == 1
    disks = record.Record(SPEC).with_volume(1).with_volume(2).without_volume(1).with_volume(2)
    assert disks.volumes == {1: 2}


def test_meminfo_tells_the_types_memory() -> None:
    # Incident: PostgreSQL is tuned for the laptop's 64 GB and not for the server's 8.
    host = "MemTotal:       67108864 kB\nMemFree:        50000000 kB\n"
    host += "SwapTotal:       2097148 kB\nHugePages_Total:       0\n"
    text = procfs.meminfo(host, 8 * 1024**2, 1024**2)
    assert "MemTotal:        8388608 kB\n" in text and "MemFree:         7340032 kB\n" in text
    assert "SwapTotal:             0 kB\n" in text and text.endswith("HugePages_Total:       0\n")


def test_mirrors_are_those_of_the_host(tmp_path: Path) -> None:
    # Incident: a host behind a company's mirror builds images that look for packages on the internet.
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / "debian.sources").write_text(
        "Types: deb\nURIs: http://mirror.test/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\n"
        "Types: deb\nURIs: http://mirror.test/security\nSuites: bookworm-security\nComponents: main\n"
    )
    mirrors = recipe.host_mirrors(tmp_path)
    assert mirrors == recipe.Mirrors("http://mirror.test/debian", "http://mirror.test/security")
    assert mirrors.lines("trixie")[-1] == "deb http://mirror.test/security trixie-security main"
    (folder / "debian.sources").unlink()
    (tmp_path / "sources.list").write_text("deb [arch=amd64] http://other.test/debian trixie main\n# deb x y\n")
    assert recipe.host_mirrors(tmp_path) == recipe.Mirrors("http://other.test/debian", None)
    (tmp_path / "sources.list").write_text("deb http://ubuntu.test/ubuntu noble main\n")
    assert recipe.host_mirrors(tmp_path).lines("trixie") == []


@pytest.mark.parametrize(
    ("head", "cacheable", "plain"),
    [
        ("GET /debian/pool/main/p/pv/pv_1.deb HTTP/1.1\r\nHost: m\r\n\r\n", True, True),
        ("GET /debian/dists/trixie/main/by-hash/SHA256/ab HTTP/1.1\r\nHost: m\r\n\r\n", True, True),
        ("GET /debian/dists/trixie/InRelease HTTP/1.1\r\nHost: m\r\n\r\n", False, True),
        ("HEAD /x.deb HTTP/1.1\r\nHost: m\r\n\r\n", False, True),
        ("POST /x.deb HTTP/1.1\r\nHost: m\r\nContent-Length: 3\r\n\r\n", False, False),
        ("GET / HTTP/1.1\r\nHost: m\r\nUpgrade: websocket\r\n\r\n", False, False),
    ],
)
def test_only_files_that_never_change_are_cached(head: str, cacheable: bool, plain: bool) -> None:
    # Incident: a cached InRelease keeps machines on last month's package lists, without an error.
    request = packages.parse_head(head.encode())
    assert (request.cacheable, request.plain, request.host) == (cacheable, plain, "m")


def test_resolvers_are_read_each_time_and_may_be_loopback(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("# x\nnameserver 127.0.0.53\nsearch a\nnameserver fe80::1%eth0\nnameserver bad\n")
    assert resolver.host_resolvers(path) == ["127.0.0.53", "fe80::1"]


def test_with_systemd_as_init_a_group_is_a_transient_unit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Incident: control groups made behind systemd's back are removed by it, with the limits of the machines in them.
    ran: list[list[str]] = []
    monkeypatch.setattr(processes, "host_runs_systemd", lambda: True)
    monkeypatch.setattr(processes, "hybrid_hierarchies", lambda: False)
    monkeypatch.setattr(processes, "run", lambda argv, **_: ran.append([str(word) for word in argv]))
    processes.spawn(
        "lc-abcdef/s1", ["/bin/true", "-x"], tmp_path / "log", memory=1024, cpus=1.5, environment={"A": "b"}
    )
    (words,) = ran
    assert words[:2] == ["systemd-run", "--quiet"] and words[-3:] == ["--", "/bin/true", "-x"]
    assert "--unit=lc-abcdef-s1.service" in words and "--slice=lc-abcdef.slice" in words
    assert {"Delegate=yes", "MemoryMax=1024", "CPUQuota=150%"} <= set(words) and "--setenv=A=b" in words
    folder = processes.directories("lc-abcdef/s1")[0]
    assert str(folder) == "/sys/fs/cgroup/lc.slice/lc-abcdef.slice/lc-abcdef-s1.service"
