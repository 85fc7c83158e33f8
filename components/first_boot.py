"""The user_data of a server: what cloud-init must do before anybody can connect.

As little as possible: who may log in, under which host key, and that only root reads this very text again (user_data
holds the private host key and stays readable at the metadata address for the server's whole life). All else is the
base role's, which can change later; user_data is read once.
"""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from components.hostkeys import HostKey

LIMIT = 32 * 1024
"""Bytes of user_data that the Cloud API takes."""

METADATA_GUARD = """\
#!/usr/sbin/nft -f
# Only root reaches the metadata service: it hands out user_data, and with it the private host key.
flush ruleset

table inet metadata {
    chain output {
        type filter hook output priority filter; policy accept;
        ip daddr 169.254.169.254 meta skuid != 0 counter reject
    }
}
"""

SSHD = """\
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
"""


def user_data(server_name: str, host_key: HostKey, user: str, authorized_keys: Sequence[str]) -> str:
    """Cloud-config for the server of that name. The same arguments give the same bytes.

    Raises ValueError when it is longer than the Cloud API takes.
    """
    config = {
        "hostname": server_name,
        "preserve_hostname": False,
        "users": [
            {
                "name": user,
                "gecos": "Operators and deployments",
                "shell": "/bin/bash",
                "lock_passwd": True,
                "sudo": ["ALL=(ALL) NOPASSWD:ALL"],
                "ssh_authorized_keys": list(authorized_keys),
            }
        ],
        "disable_root": True,
        "ssh_pwauth": False,
        "ssh_deletekeys": True,
        "ssh_keys": {
            "ed25519_private": host_key.private_openssh,
            "ed25519_public": f"{host_key.public_openssh} {server_name}\n",
        },
        "ssh": {"emit_keys_to_console": False},
        "no_ssh_fingerprints": True,
        "write_files": [
            {"path": "/etc/ssh/sshd_config.d/10-first-boot.conf", "permissions": "0600", "content": SSHD},
            {"path": "/etc/nftables.conf", "permissions": "0755", "content": METADATA_GUARD},
        ],
        "runcmd": [
            ["systemctl", "enable", "nftables.service"],
            ["systemctl", "restart", "nftables.service"],
            ["passwd", "--lock", "root"],
        ],
    }
    text = "#cloud-config\n" + yaml.dump(config, Dumper=_Readable, sort_keys=False, width=1000)
    if (size := len(text.encode())) > LIMIT:
        raise ValueError(
            f"user_data of {server_name} is {size} bytes, and Hetzner Cloud takes {LIMIT}: "
            f"{len(authorized_keys)} SSH keys are too many; remove some from sshPublicKeys"
        )
    return text


class _Readable(yaml.SafeDumper):
    """Files and keys as blocks, as a person on the server would want to read them."""


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _block)
