"""Steps on the kernel: its settings, and mounted volumes."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from components.bootstrap import files
from components.bootstrap.host import Host
from components.bootstrap.report import Failure

FSTAB = Path("/etc/fstab")


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

    Waits up to ``seconds`` for the device: a volume can be attached while the server is being set up. The entry has
    ``nofail``: a server whose volume is away still boots and can be looked at; what needs the data must say
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
    files.directory(host, path) if not os.path.isdir(path) else None
    host.report.begin(f"mount {path}")
    done = []
    entry = f"{device} {path} {fstype} {options},nofail,x-systemd.device-timeout=60s 0 2"
    lines = FSTAB.read_text().splitlines() if FSTAB.exists() else []
    others = [line for line in lines if line.split()[1:2] != [path] or line.lstrip().startswith("#")]
    if [line for line in lines if line not in others] != [entry]:
        files.write_atomically(FSTAB, "".join(f"{line}\n" for line in [*others, entry]).encode(), 0o644)
        host.run(["systemctl", "daemon-reload"])
        done.append("entered in fstab")
    source = mounted_device(path)
    if source is None:
        if any(Path(path).iterdir()):
            raise Failure(
                f"{path} is not empty, and mounting {device} there would hide what it holds",
                f"move the content of {path} elsewhere on the server, then run again.",
            )
        host.run(["mount", path], fix=f"look at `dmesg` and `blkid {device}` on the server.")
        done.append(f"mounted {device}")
    elif source != os.stat(device).st_rdev:
        raise Failure(f"{path} is a mount of another device than {device}", f"unmount {path}, then run again.")
    return host.report.changed(", ".join(done)) if done else host.report.ok()


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
