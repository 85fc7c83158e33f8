"""What a server's first boot is told."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from localcloud.machines import seed
from localcloud.machines.interface import ServerSpec

KEYS = ("ssh-ed25519 AAAA one", 'ssh-ed25519 BBBB "quoted" # two')


def spec(**changes: object) -> ServerSpec:
    values: dict[str, object] = {"id": 42, "name": "web", "image": "debian-13", "cores": 2, "memory_gib": 4.0,
                                 "disk_gb": 40, "ssh_keys": KEYS, "user_data": "#!/bin/sh\ntrue\n"}  # fmt: skip
    return ServerSpec(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("etc/ssh/sshd_config.d", "var/lib/cloud"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def test_meta_data_has_the_servers_id_name_and_keys(root: Path) -> None:
    seed.write(root, spec())
    folder = root / "var/lib/cloud/seed/nocloud"
    data = yaml.safe_load((folder / "meta-data").read_text())
    assert data == {"instance-id": "42", "local-hostname": "web", "public-keys": list(KEYS)}
    assert (folder / "user-data").read_text() == "#!/bin/sh\ntrue\n"
    assert (root / "etc/hostname").read_text() == "web\n"


def test_user_data_is_for_root_only(root: Path) -> None:
    # Incident: user data holds the host key; any process of the server could read it.
    seed.write(root, spec())
    assert stat.S_IMODE((root / "var/lib/cloud/seed/nocloud/user-data").stat().st_mode) == 0o600


def test_root_password_only_without_keys(root: Path) -> None:
    # Incident: password logins are open on every server, although all were ordered with keys.
    seed.write(root, spec(root_password="secret"))
    assert "secret" not in (root / "var/lib/cloud/seed/nocloud/vendor-data").read_text()
    assert not list((root / "etc/ssh/sshd_config.d").iterdir())
    seed.write(root, spec(root_password="secret", ssh_keys=()))
    vendor = yaml.safe_load((root / "var/lib/cloud/seed/nocloud/vendor-data").read_text())
    assert vendor["ssh_pwauth"] is True and vendor["chpasswd"]["users"][0]["password"] == "secret"
    assert vendor["chpasswd"]["expire"] is True
