"""Steps on the kernel: its settings, and mounted volumes."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from components.bootstrap import files, services
from components.bootstrap.host import Host
from components.bootstrap.report import Failure

MOUNT_UNIT = """\
# Written by the bootstrap of this server.
[Unit]
Description=Volume at {path}

[Mount]
What={device}
Where={path}
Type={fstype}
Options={options},nofail
TimeoutSec=90

[Install]
WantedBy=multi-user.target
"""


def sysctl(host: Host, name: str, values: Mapping[str, int | str]) -> bool:
    """Kernel settings, now and at each boot (``/etc/sysctl.d/60-NAME.conf``).

    Settings that a container shares with its host cannot be made from inside; that is noted and is no failure there.
    """
    content = "".join(f"{key} = {value}\n" for key, value in sorted(values.items()))
    changed = files.file(host, f"/etc/sysctl.d/60-{name}.conf", content)
    for key, value in sorted(values.items()):
        host.report.begin(f"sysctl {key}")
        path = Path("/proc/sys") / key.replace(".", "/")
        try:
            now = " ".join(path.read_text().split())
            if now == str(value):
                host.report.ok()
                continue
            path.write_text(f"{value}\n")
        except OSError as error:
            if not host.in_container:
                raise Failure(f"{path} cannot be set to {value}: {error.strerror}") from None
            host.report.note(f"the container's host decides this one ({error.strerror}); wanted {value}")
            host.report.ok()
            continue
        changed = host.report.changed(f"{now} -> {value}")
    return changed


def mount(
    host: Host, device: str, path: str, *, fstype: str = "ext4", options: str = "noatime", seconds: float = 120
) -> bool:
    """An existing file system mounted at ``path``, now and at each boot. Nothing is ever formatted here.

    Waits up to ``seconds`` for the device: a volume can be attached while the server is being set up. A mount unit of
    its own says it at boot, not fstab: systemd leaves fstab's devices out where the machine is a container. It is not
    required for booting, so that a server whose volume is away can be looked at; what needs the data must say
    ``RequiresMountsFor=`` in its unit, so that it never starts on the empty directory below.
    """
    host.report.begin(f"mount {path}")
    wait_for_device(host, device, seconds)
    found = host.run(["blkid", "--probe", "--match-tag", "TYPE", "--output", "value", device], check=False)
    actual = found.stdout.strip()
    if actual != fstype:
        raise Failure(
            f"{device} holds {actual or 'no file system'}, expected {fstype}",
            "a volume is formatted once, when it is created (format of the volume resource), never by a bootstrap; "
            "check that the right volume is attached.",
        )
    source = mounted_device(path)
    if source is not None and source != os.stat(device).st_rdev:
        raise Failure(f"{path} is a mount of another device than {device}", f"unmount {path}, then run again.")
    if not os.path.isdir(path):
        files.directory(host, path)
    elif source is None and any(Path(path).iterdir()):
        raise Failure(
            f"{path} is not empty, and mounting {device} there would hide what it holds",
            f"move the content of {path} elsewhere on the server, then run again.",
        )
    unit = mount_unit(host, path)
    content = MOUNT_UNIT.format(device=device, path=path, fstype=fstype, options=options)
    changed = files.file(host, f"/etc/systemd/system/{unit}", content)
    return services.service(host, unit) or changed


def grow_ext4(host: Host, device: str, path: str) -> bool:
    """The ext4 file system mounted at ``path`` as large as its device: an enlarged volume shows only so.

    Online where the kernel allows it. It wants CAP_SYS_RESOURCE, which some containers lack: there the mount unit is
    stopped, and what requires it with it, until the file system has grown; the role's later steps start it again.
    """
    host.report.begin(f"size of {device}")
    size = int(host.run(["blockdev", "--getsize64", device]).stdout)
    shown = host.run(["dumpe2fs", "-h", device]).stdout
    facts = dict(line.split(":", 1) for line in shown.splitlines() if ":" in line)
    block, count = int(facts["Block size"]), int(facts["Block count"])
    # resize2fs leaves off a last group that is too small for its own tables: up to one group is no difference.
    if size - block * count < int(facts["Blocks per group"]) * block:
        return host.report.ok()
    if may_use_more_resources():
        host.run(["resize2fs", device])
    else:
        unit = mount_unit(host, path)
        host.report.progress(f"growing {path} needs a moment without it: stopping what uses it")
        host.run(["systemctl", "stop", unit])
        # 1: faults were found and put right (fsck(8)).
        checked = host.run(["e2fsck", "-f", "-p", device], check=False)
        if checked.returncode > 1:
            raise Failure(f"e2fsck {device}: {checked.stdout.strip()}", "restore the volume from a backup if need be.")
        host.run(["resize2fs", device])
        services.start(host, "start", unit)
    return host.report.changed(f"grown from {block * count // 10**9} to {size // 10**9} GB")


def may_use_more_resources() -> bool:
    """Whether this process has CAP_SYS_RESOURCE (bit 24 of its effective capabilities)."""
    status = Path("/proc/self/status").read_text()
    effective = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> 24 & 1)


def mount_unit(host: Host, path: str) -> str:
    return host.run(["systemd-escape", "--path", "--suffix=mount", path]).stdout.strip()


def mounted_device(path: str) -> int | None:
    """Device number of the file system mounted exactly at ``path``, or None."""
    return os.stat(path).st_dev if os.path.ismount(path) else None


def wait_for_device(host: Host, device: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    said = False
    while not os.path.exists(device):
        if time.monotonic() > deadline:
            raise Failure(
                f"{device} did not appear within {seconds:.0f} s",
                "check that the volume is attached to this server (hcloud volume describe).",
            )
        if not said:
            host.report.progress(f"waiting for {device}")
            said = True
        time.sleep(0.1)
