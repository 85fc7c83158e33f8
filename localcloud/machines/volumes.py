"""Volumes: sparse files behind loop devices, shown in servers under the names that Hetzner's have."""

from __future__ import annotations

import json
import os
from pathlib import Path

from localcloud.machines import images, nspawn, procfs, record
from localcloud.machines.commands import run, succeeds
from localcloud.machines.instance import Instance
from localcloud.machines.interface import MachineError, VolumeSpec

GB = 1024**3


def path_of(instance: Instance, volume_id: int) -> Path:
    return instance.folder / "volumes" / f"{volume_id}.img"


def volume_ids(instance: Instance) -> list[int]:
    folder = instance.folder / "volumes"
    return sorted(int(path.stem) for path in folder.glob("*.img")) if folder.is_dir() else []


def loops(instance: Instance) -> dict[Path, str]:
    """File → loop device, for every loop device whose file is below the instance's home."""
    listed = json.loads(run(["losetup", "--json", "--list", "--output", "NAME,BACK-FILE"]) or "{}")
    found = {}
    for entry in listed.get("loopdevices", []):
        file = Path(str(entry["back-file"]).removesuffix(" (deleted)"))
        if file.is_relative_to(instance.home):
            found[file] = str(entry["name"])
    return found


def create(instance: Instance, spec: VolumeSpec) -> None:
    """Make the volume and, if asked, its file system."""
    path = path_of(instance, spec.id)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    with scratch.open("wb") as file:
        file.truncate(spec.size_gb * GB)
    if spec.format is not None:
        device = run(["losetup", "--find", "--show", scratch]).strip()
        try:
            _format(instance, spec, device)
        finally:
            run(["losetup", "--detach", device])
    scratch.rename(path)


def _format(instance: Instance, spec: VolumeSpec, device: str) -> None:
    quick = (
        ["-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard"]
        if spec.format == "ext4"
        else ["-q", "-f", "-K"]
    )
    program = f"mkfs.{spec.format}"
    if succeeds(["which", program]):
        run([program, *quick, device])
        return
    # The host need not have the program: an image has. Its /dev is mounted in a mount namespace that ends with it.
    tools = images.build(instance.cache, "debian-13")
    inside = 'mount -t devtmpfs devtmpfs "$1/dev" && exec chroot "$@"'
    run(["unshare", "--mount", "--", "/bin/sh", "-c", inside, "format", tools, program, *quick, device])


def loop_device(instance: Instance, volume_id: int) -> str:
    """The volume's loop device; made when there is none."""
    path = path_of(instance, volume_id)
    if not path.exists():
        raise MachineError(f"volume {volume_id} does not exist here")
    if device := loops(instance).get(path):
        return device
    return run(["losetup", "--find", "--show", "--direct-io=off", path]).strip()


def release(instance: Instance, volume_id: int) -> None:
    """Let the volume's loop device go."""
    release_file(instance, path_of(instance, volume_id))


def release_file(instance: Instance, file: Path) -> None:
    if device := loops(instance).get(file):
        run(["losetup", "--detach", device])


def resize(instance: Instance, volume_id: int, size_gb: int) -> None:
    """Grow the volume; a running server sees the new size at once."""
    path = path_of(instance, volume_id)
    if path.stat().st_size < size_gb * GB:
        os.truncate(path, size_gb * GB)
    if device := loops(instance).get(path):
        run(["losetup", "--set-capacity", device])


def delete(instance: Instance, volume_id: int) -> None:
    release(instance, volume_id)
    path_of(instance, volume_id).unlink(missing_ok=True)


def devices(instance: Instance, server: record.Record) -> dict[int, tuple[int, str]]:
    """Position → (volume id, loop device) of a server's volumes."""
    return {at: (volume, loop_device(instance, volume)) for at, volume in server.volumes.items()}


def show(instance: Instance, server: record.Record, volume_id: int) -> None:
    """Make the device appear in the running server."""
    position = next(at for at, volume in server.volumes.items() if volume == volume_id)
    number = os.stat(loop_device(instance, volume_id)).st_rdev
    name = procfs.device_letter(position)
    script = (
        f"mkdir -p /dev/disk/by-id && rm -f /dev/{name}"
        f" && mknod -m 660 /dev/{name} b {os.major(number)} {os.minor(number)}"
        f" && chgrp disk /dev/{name} && ln -sfn ../../{name} /dev/disk/by-id/scsi-0HC_Volume_{volume_id}"
    )
    nspawn.enter(instance, server.spec.id, ["/bin/sh", "-c", script])


def hide(instance: Instance, server: record.Record, volume_id: int) -> None:
    """Take the device out of the running server; what is still mounted from it is detached."""
    position = next(at for at, volume in server.volumes.items() if volume == volume_id)
    name = procfs.device_letter(position)
    script = (
        f"sync -f /dev/{name} 2>/dev/null;"
        f' for mount in $(findmnt -rno TARGET -S /dev/{name}); do umount -l "$mount"; done;'
        f" rm -f /dev/{name} /dev/disk/by-id/scsi-0HC_Volume_{volume_id}"
    )
    nspawn.enter(instance, server.spec.id, ["/bin/sh", "-c", script])


def automount(instance: Instance, server: record.Record, volume_id: int) -> None:
    """Mount the volume at /mnt/HC_Volume_ID now (if the server runs) and at each boot, as Hetzner's agent does."""
    target, device = f"/mnt/HC_Volume_{volume_id}", f"/dev/disk/by-id/scsi-0HC_Volume_{volume_id}"
    root = instance.server_folder(server.spec.id) / "disk" / "root"
    kind = run(["blkid", "-o", "value", "-s", "TYPE", loop_device(instance, volume_id)]).strip()
    line = f"{device} {target} {kind} discard,nofail,defaults 0 0\n"
    if nspawn.is_running(instance, server.spec.id):
        script = (
            f"mkdir -p {target}; grep -q '^{device} ' /etc/fstab || cat >> /etc/fstab;"
            f" mountpoint -q {target} || mount {target}"
        )
        nspawn.enter(instance, server.spec.id, ["/bin/sh", "-c", script], stdin=line)
        return
    (root / target.lstrip("/")).mkdir(parents=True, exist_ok=True)
    fstab = root / "etc/fstab"
    if device not in fstab.read_text():
        fstab.write_text(fstab.read_text() + line)
