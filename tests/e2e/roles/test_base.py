"""What every server has, tried on both Debian releases with the smallest role there is."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from localcloud.machines.interface import ServerSpec
from tests.e2e.roles import servers
from tests.e2e.roles.servers import Run, Site

MAIN = """\
from components.bootstrap import base, files
def apply(host):
    base.apply(host)
    files.file(host, "/etc/store-greeting", host.asset("greeting"), mode=0o600)
    if host.variable("slow"):
        host.report.progress("inside")
        host.run(["sleep", "3"])
"""


@pytest.fixture(scope="module", params=["debian-12", "debian-13"])
def server(site: Site, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ServerSpec:
    number = 11 + ["debian-12", "debian-13"].index(request.param)
    return site.server(f"base-{number}", f"10.0.1.{number}", image=request.param)


@pytest.fixture
def role(site: Site, server: ServerSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    folder = tmp_path / "small" / "bootstrap"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(MAIN)
    (folder / "greeting.j2").write_text("hello {{ name }}\n")
    monkeypatch.setattr(servers, "ROLES", tmp_path)

    def run(name: str = "world", slow: bool = False) -> Run:
        return site.role(server, "small", {"name": name, "slow": slow}, {"unused": "a-secret-value"})

    return run


def test_second_run_changes_nothing(role: Any) -> None:
    """A base that is never quiet hides real changes in a preview's noise."""
    assert role().code == 0
    assert role().last_line.startswith("0 changed, ")


def test_ssh_takes_keys_of_deploy_only(site: Site, server: ServerSpec, role: Any) -> None:
    """Passwords are guessed, root's login is tried first, and SHA-1 is what scanners report."""
    effective = dict(line.split(" ", 1) for line in site.ssh(server, "sudo sshd -T").splitlines() if " " in line)
    assert effective["permitrootlogin"] == "no"
    assert effective["passwordauthentication"] == "no"
    assert effective["kbdinteractiveauthentication"] == "no"
    assert "acceptenv" not in effective
    assert "sha1" not in effective["macs"] and "nistp" not in effective["kexalgorithms"]
    assert site.ssh(server, "systemctl is-enabled ssh.service; systemctl is-active ssh.socket || true").split() == [
        "enabled",
        "inactive",
    ]


def test_operators_read_the_journal_as_they_are(site: Site, server: ServerSpec, role: Any) -> None:
    """At night `journalctl -u medusa -f` showed nothing, because deploy may not read what services write."""
    assert "ssh.service" in site.ssh(server, "journalctl --unit ssh --output json --lines 1")


def test_only_root_reaches_the_metadata(site: Site, server: ServerSpec) -> None:
    """user_data holds the host key: any process that can make a request could read it (SSRF)."""
    url = "http://169.254.169.254/hetzner/v1/metadata/hostname"
    fetch = f"python3 -c 'import urllib.request as u; print(u.urlopen(\"{url}\", timeout=3).status)'"
    assert site.ssh(server, f"sudo {fetch}") == "200"
    site.refused(server, fetch)


def test_nothing_comes_in_but_ssh(site: Site, server: ServerSpec) -> None:
    """A daemon that a package brings along must not be reachable by accident."""
    site.ssh(server, "sudo systemd-run --quiet --unit=listener python3 -m http.server 8099")
    other = site.server(f"other-{server.id}", f"10.0.2.{server.id}")
    address = site.ssh(server, "hostname -I | tr ' ' '\\n' | grep ^10.0.1.")
    assert not site.reachable(other, address, 8099)
    assert site.reachable(other, address, 22)


def test_only_security_fixes_install_themselves(site: Site, server: ServerSpec) -> None:
    """An upgrade of everything at night restarts databases at night."""
    origins = site.ssh(server, "apt-config dump Unattended-Upgrade::Origins-Pattern").splitlines()
    values = [line.split('"')[1] for line in origins if '""' not in line]
    assert values == ["origin=Debian,codename=${distro_codename}-security,label=Debian-Security"]


def test_journal_is_bounded_and_kept(site: Site, server: ServerSpec) -> None:
    """A full disk stops the database; a journal in memory forgets why the server went down."""
    config = site.ssh(server, "systemd-analyze cat-config systemd/journald.conf | grep -v '^#' | grep =")
    last = dict(line.split("=", 1) for line in config.splitlines())
    assert last["Storage"] == "persistent" and last["SystemMaxUse"] == "500M"


def test_two_runs_never_overlap(role: Any) -> None:
    """Two deployments at once would each restart what the other is configuring."""
    results: list[Run] = []
    first = threading.Thread(target=lambda: results.append(role(slow=True)))
    first.start()
    second = role(slow=True)
    first.join()
    assert [run.code for run in (*results, second)] == [0, 0]
    waited = [run for run in (*results, second) if "another run is under way" in run.output]
    assert len(waited) == 1, json.dumps([run.output for run in (*results, second)])


def test_a_file_edited_by_hand_is_put_right(site: Site, server: ServerSpec, role: Any) -> None:
    """Drift that nobody repairs is found at the next incident."""
    role()
    site.ssh(server, "echo mine | sudo tee /etc/store-greeting; sudo chmod 644 /etc/store-greeting")
    run = role()
    assert run.changes == ["changed  file /etc/store-greeting: updated"]
    assert site.ssh(server, "sudo cat /etc/store-greeting; sudo stat -c %a /etc/store-greeting") == "hello world\n600"
