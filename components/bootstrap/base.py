"""What every server of the store is, whatever its role: who may come in, what may come in, and how it keeps itself."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable
from pathlib import Path

from components.bootstrap import accounts, files, firewall, packages, services
from components.bootstrap.host import Host

DEPLOY = "deploy"

# sshd takes the first value that it reads, and Debian's own file includes this folder first: 00- wins over the others.
# Algorithms: those of OpenSSH 9.2 (Debian 12) and 10.0 (Debian 13) without NIST curves, SHA-1 and CBC, as in dev-sec's
# SSH baseline and ssh-audit's guide for Debian 12.
SSHD = """\
# Written by the bootstrap of this server.
PermitRootLogin {root_login}
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitEmptyPasswords no
AuthenticationMethods publickey
X11Forwarding no
AllowAgentForwarding no
MaxAuthTries 4
LoginGraceTime 30
ClientAliveInterval 60
ClientAliveCountMax 3
UseDNS no
KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org
Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes128-ctr
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com
HostKeyAlgorithms ssh-ed25519,sk-ssh-ed25519@openssh.com,rsa-sha2-512,rsa-sha2-256
"""

# `#clear` drops Debian's own list, which also takes packages of point releases: those come when a person is watching.
UNATTENDED = """\
// Written by the bootstrap of this server: security fixes only, no reboot by itself.
#clear Unattended-Upgrade::Origins-Pattern;
Unattended-Upgrade::Origins-Pattern {
    "origin=Debian,codename=${distro_codename}-security,label=Debian-Security";
};
Unattended-Upgrade::Automatic-Reboot "false";
Unattended-Upgrade::Remove-Unused-Kernel-Packages "true";
"""

PERIODIC = """\
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
APT::Periodic::AutocleanInterval "7";
"""

# Persistent, so that what happened before a crash can be read after it; bounded, so that a chatty service cannot fill
# the disk that the data is on.
JOURNALD = """\
[Journal]
Storage=persistent
SystemMaxUse=500M
SystemKeepFree=1G
RuntimeMaxUse=64M
MaxRetentionSec=3month
"""


def apply(host: Host, packages_besides: Iterable[str] = ()) -> None:
    """Bring the base about. ``packages_besides``: the role's own packages, installed in the same apt transaction."""
    home(host)
    packages.package(host, {"nftables", "unattended-upgrades", *time_packages(), *packages_besides})
    firewall.base_rules(host)
    ssh(host)
    upgrades(host)
    clock(host)
    journal(host)


def home(host: Host) -> None:
    """The deploy user's home holds the bootstrap files, closed to others; `journalctl` works without sudo."""
    try:
        entry = pwd.getpwnam(DEPLOY)
    except KeyError:
        return
    accounts.user(host, DEPLOY, home=entry.pw_dir, shell=entry.pw_shell, groups=["systemd-journal"])
    files.directory(host, entry.pw_dir, mode=0o700, owner=DEPLOY, group=DEPLOY)


def ssh(host: Host) -> None:
    # This very run came in as deploy and got root by sudo: only then is root's own login not needed any more.
    proven = os.environ.get("SUDO_USER") == DEPLOY
    content = SSHD.format(root_login="no" if proven else "prohibit-password")
    conf = "/etc/ssh/sshd_config.d/00-store.conf"
    files.file(host, conf, content, mode=0o600, check=("/usr/sbin/sshd", "-t", "-f", "{}"))
    # AcceptEnv adds up over files, so that a drop-in cannot take back what Debian's file accepts.
    files.comment_out(host, "/etc/ssh/sshd_config", r"[ \t]*AcceptEnv\b")
    services.service(host, "ssh.socket", enabled=False, running=False)
    services.service(
        host, "ssh.service", watch=(conf, "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d"), on_change="reload"
    )


def upgrades(host: Host) -> None:
    files.file(host, "/etc/apt/apt.conf.d/52-store-unattended-upgrades", UNATTENDED)
    files.file(host, "/etc/apt/apt.conf.d/20auto-upgrades", PERIODIC)
    services.service(host, "apt-daily.timer")
    services.service(host, "apt-daily-upgrade.timer")


def time_packages() -> set[str]:
    """systemd-timesyncd, unless the image came with chrony (two clocks' keepers would fight)."""
    return set() if Path("/usr/sbin/chronyd").exists() else {"systemd-timesyncd"}


def clock(host: Host) -> None:
    if Path("/usr/sbin/chronyd").exists():
        services.service(host, "chrony.service")
    else:
        services.service(host, "systemd-timesyncd.service")


def journal(host: Host) -> None:
    # 90-: read last, and the last value wins in systemd's drop-ins.
    conf = "/etc/systemd/journald.conf.d/90-store.conf"
    files.directory(host, "/etc/systemd/journald.conf.d")
    files.file(host, conf, JOURNALD)
    services.service(host, "systemd-journald.service", watch=(conf,))
