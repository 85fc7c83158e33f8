"""What is in a base image: packages, and what is set in the tree so that it boots as a Hetzner Debian image does.

Everything here enters the image's version (:func:`version`), so that a changed recipe builds a new image and servers
made of the old one keep theirs.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from localcloud.machines.commands import run, succeeds
from localcloud.machines.instance import RESOLVERS

SUITES = {"debian-13": "trixie", "debian-12": "bookworm"}
REVISION = 1
"""Raise when :func:`prepare` changes in a way that its constants do not show."""

PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "openssh-server", "cloud-init", "ca-certificates", "curl", "wget", "python3",
    "nftables", "iproute2", "iputils-ping", "netbase", "procps", "less", "sudo", "gnupg", "zstd", "xz-utils", "bzip2",
    "e2fsprogs", "xfsprogs", "vim-tiny", "lsb-release", "logrotate", "cron", "apt-utils", "file", "kmod",
)  # fmt: skip

MASKED = (
    # Waits for hardware, consoles and networks that a machine here does not have; work that costs and changes nothing.
    "systemd-networkd.service", "systemd-networkd.socket", "systemd-networkd-wait-online.service",
    "systemd-network-generator.service", "systemd-resolved.service", "systemd-udevd.service",
    "console-getty.service", "getty.target", "getty@tty1.service", "getty-static.service",
    "systemd-logind.service", "systemd-pstore.service", "systemd-hwdb-update.service", "systemd-firstboot.service",
    "systemd-update-done.service", "ldconfig.service", "systemd-journal-catalog-update.service",
    "systemd-sysusers.service", "systemd-boot-update.service", "systemd-boot-random-seed.service",
    "systemd-random-seed.service", "systemd-machine-id-commit.service", "systemd-binfmt.service", "modprobe@.service",
    "dev-hugepages.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount", "dev-mqueue.mount", "proc-sys-fs-binfmt_misc.automount", "tmp.mount",
    "systemd-tpm2-setup.service", "systemd-tpm2-setup-early.service", "systemd-pcrlock.target",
    "systemd-userdbd.socket", "systemd-mountfsd.socket", "systemd-nsresourced.socket", "systemd-hostnamed.socket",
    "cloud-init-hotplugd.socket", "cloud-init-hotplugd.service", "sshd-keygen.service",
    "fstrim.timer", "e2scrub_all.timer", "e2scrub_reap.service", "xfs_scrub_all.timer",
)  # fmt: skip

CLOUD_CONFIG = """\
datasource_list: [NoCloud]
network: {config: disabled}
users: []
disable_root: false
ssh_genkeytypes: [ed25519]
ssh_deletekeys: true
manage_etc_hosts: true
locale: false
apt: {preserve_sources_list: true}
ssh: {emit_keys_to_console: false}
no_ssh_fingerprints: true
cloud_init_modules: [seed_random, bootcmd, write_files, ca_certs, mounts, set_hostname, update_hostname,
  update_etc_hosts, users_groups, ssh, set_passwords]
cloud_config_modules: [ssh_import_id, locale, apt_configure, ntp, timezone, runcmd]
cloud_final_modules: [package_update_upgrade_install, write_files_deferred, scripts_vendor, scripts_per_once,
  scripts_per_boot, scripts_per_instance, scripts_user, phone_home, final_message, power_state_change]
"""

HARDWARE_UNIT = """\
[Unit]
Description=Show the hardware of this server
DefaultDependencies=no
ConditionPathExists=/run/hardware/setup
Wants=local-fs-pre.target
Before=local-fs-pre.target sysinit.target systemd-fsck-root.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /run/hardware/setup

[Install]
WantedBy=sysinit.target
"""

FSTAB_GENERATOR = """\
#!/bin/sh
# systemd's own generator skips devices of /etc/fstab in a container; on a server they are mounted at boot.
while read -r what where kind options _; do
  case "$what" in /dev/*|UUID=*|LABEL=*) ;; *) continue ;; esac
  case "$where" in /?*) ;; *) continue ;; esac
  unit=$(systemd-escape --path --suffix=mount "$where")
  ordering=Before=local-fs.target
  wanted=requires
  case ",$options," in *,nofail,*) wanted=wants ordering= ;; esac
  printf '[Unit]\\nSourcePath=/etc/fstab\\nAfter=hardware.service local-fs-pre.target\\n%s\\n' "$ordering" > "$1/$unit"
  printf '[Mount]\\nWhat=%s\\nWhere=%s\\nType=%s\\nOptions=%s\\n' "$what" "$where" "$kind" "$options" >> "$1/$unit"
  case ",$options," in *,noauto,*) continue ;; esac
  mkdir -p "$1/local-fs.target.$wanted"
  ln -sf "../$unit" "$1/local-fs.target.$wanted/$unit"
done < /etc/fstab
"""

FILES = {
    "etc/systemd/system-generators/fstab-devices": FSTAB_GENERATOR,
    "etc/cloud/cloud.cfg.d/90-hetzner.cfg": CLOUD_CONFIG,
    "etc/systemd/system/hardware.service": HARDWARE_UNIT,
    "etc/systemd/journald.conf.d/10-size.conf": "[Journal]\nRuntimeMaxUse=16M\nSystemMaxUse=64M\n",
    "etc/ssh/sshd_config.d/50-root.conf": "PermitRootLogin prohibit-password\nUseDNS no\n",
    "etc/apt/apt.conf.d/10-languages": 'Acquire::Languages "none";\n',
    "etc/default/locale": "LANG=C.UTF-8\n",
    "etc/resolv.conf": "".join(f"nameserver {address}\n" for address in RESOLVERS),
}


@dataclass(frozen=True)
class Mirrors:
    """Debian mirrors as this host uses them; None where the tool that builds the tree should use its own default."""

    main: str | None
    security: str | None

    def lines(self, suite: str) -> list[str]:
        """Lines of sources.list for ``suite``; empty without a mirror."""
        if self.main is None:
            return []
        lines = [f"deb {self.main} {suite} main", f"deb {self.main} {suite}-updates main"]
        if self.security is not None:
            lines.append(f"deb {self.security} {suite}-security main")
        return lines


def host_mirrors(etc_apt: Path = Path("/etc/apt")) -> Mirrors:
    """The Debian mirrors in the host's apt sources (one-line and deb822), read when an image is built."""
    found: list[tuple[str, str]] = []
    listed = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*.list"))]
    for path in listed:
        if path.is_file():
            for line in path.read_text().splitlines():
                if match := re.match(r"\s*deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", line):
                    found.append((match[1], match[2]))
    for path in sorted((etc_apt / "sources.list.d").glob("*.sources")):
        for block in re.split(r"\n\s*\n", path.read_text()):
            fields = dict(re.findall(r"(?m)^(\w[\w-]*):[ \t]*(.*)$", block))
            if "deb" in fields.get("Types", "").split():
                found += [(uri, suite) for uri in fields.get("URIs", "").split() for suite in
                          fields.get("Suites", "").split()]  # fmt: skip
    suites = {*SUITES.values(), "stable", "oldstable", "testing", "sid", "forky"}
    main = next((uri for uri, suite in found if suite in suites and "security" not in uri), None)
    security = next((uri for uri, suite in found if suite.removesuffix("-security") in suites
                     and suite.endswith("-security")), None)  # fmt: skip
    return Mirrors(main, security if main else None)


def extra_certificates(folder: Path = Path("/usr/local/share/ca-certificates")) -> dict[str, bytes]:
    """The host's own certificate authorities, which machines must trust to reach registries the way the host does."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.crt"))} if folder.is_dir() else {}


def version(image: str) -> str:
    """Twelve hexadecimal digits that change with anything that goes into the image but the packages' own versions."""
    mirrors = host_mirrors()
    content = [REVISION, SUITES[image], PACKAGES, MASKED, FILES, mirrors.main, mirrors.security]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name, data in extra_certificates().items():
        digest.update(name.encode() + data)
    return digest.hexdigest()[:12]


def build_command(image: str, root: Path) -> list[str]:
    """The command that makes the bare tree. apt's lists stay: ``apt-get update`` has next to nothing to fetch."""
    options = ["path-exclude=/usr/share/man/*", "path-exclude=/usr/share/locale/*", "path-exclude=/usr/share/doc/*",
               "path-include=/usr/share/doc/*/copyright", "force-unsafe-io"]  # fmt: skip
    return [
        "mmdebstrap", "--variant=minbase", "--mode=root", "--format=directory", "--components=main",
        "--skip=cleanup/apt/lists", f"--include={','.join(PACKAGES)}",
        *(f"--dpkgopt={option}" for option in options),
        '--aptopt=Apt::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"',
        SUITES[image], str(root), *host_mirrors().lines(SUITES[image]),
    ]  # fmt: skip


def prepare(root: Path) -> None:
    """Turn the bare tree into an image: settings, units, certificates; nothing that is a server's own."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # resolv.conf can be a link out of the tree
        path.write_text(text)
        path.chmod(0o755 if text.startswith("#!") else 0o644)
    # Only for building: a server installs recommended packages unless told not to, as on a real one.
    (root / "etc/apt/apt.conf.d/99mmdebstrap").unlink(missing_ok=True)
    certificates = root / "usr/local/share/ca-certificates"
    certificates.mkdir(parents=True, exist_ok=True)
    for name, data in extra_certificates().items():
        (certificates / name).write_bytes(data)
    run(["chroot", root, "update-ca-certificates"])
    run(["systemctl", f"--root={root}", "mask", *MASKED])
    run(["systemctl", f"--root={root}", "enable", "hardware.service"])
    # D-Bus starts when something speaks to it, not with the machine.
    (root / "usr/lib/systemd/system/multi-user.target.wants/dbus.service").unlink(missing_ok=True)
    for path in (root / "etc/ssh").glob("ssh_host_*"):
        path.unlink()
    (root / "etc/hostname").unlink(missing_ok=True)
    (root / "etc/machine-id").write_text("")
    (root / "etc/fstab").write_text("")
    succeeds(["chroot", root, "apt-cache", "gencaches"])
