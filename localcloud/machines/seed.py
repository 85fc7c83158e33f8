"""What cloud-init finds on a server's disk at its first boot: the same data that Hetzner's metadata service gives.

The data are put on the disk (cloud-init's NoCloud seed, readable by root only) and not only served, since cloud-init
recognises Hetzner by the machine's firmware, which a container has not.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from localcloud.machines.interface import ServerSpec

NETWORK_CONFIG = "network: {config: disabled}\n"
"""The interfaces are set up from outside before the machine's init runs, so cloud-init must leave them alone."""


def meta_data(spec: ServerSpec) -> str:
    """NoCloud's meta-data (JSON is YAML). The instance id is the server's id, as Hetzner gives it."""
    return json.dumps(
        {"instance-id": str(spec.id), "local-hostname": spec.name, "public-keys": list(spec.ssh_keys)}, indent=1
    )


def vendor_data(spec: ServerSpec) -> str:
    """Hetzner's own part of the configuration: a root password that must be changed, when there is no SSH key."""
    if not spec.root_password or spec.ssh_keys:
        return "#cloud-config\n{}\n"
    users = [{"name": "root", "password": spec.root_password, "type": "text"}]
    return "#cloud-config\n" + json.dumps({"ssh_pwauth": True, "chpasswd": {"expire": True, "users": users}}) + "\n"


def write(root: Path, spec: ServerSpec) -> None:
    """Put the seed for ``spec`` into the tree ``root``."""
    folder = root / "var/lib/cloud/seed/nocloud"
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "meta-data": meta_data(spec),
        "user-data": spec.user_data or "#cloud-config\n{}\n",
        "vendor-data": vendor_data(spec),
    }
    for name, text in files.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
    (root / "etc/hostname").write_text(f"{spec.name}\n")
    if spec.root_password and not spec.ssh_keys:
        # Without a key the password is the only way in, as on a server ordered without a key.
        (root / "etc/ssh/sshd_config.d/10-root-password.conf").write_text("PermitRootLogin yes\n")
