"""Images made of servers: a frozen copy of what the server wrote, over the trees that it was written on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from localcloud.machines import disks
from localcloud.machines.commands import run
from localcloud.machines.instance import Instance

OWN_TO_A_SERVER = ("var/lib/cloud", "etc/machine-id", "run", "tmp", "var/log/journal")
"""Paths that a new server of the image must not inherit: its cloud-init runs as for the first time."""


def _folder(instance: Instance, image: str) -> Path:
    return instance.folder / "images" / image


def exists(instance: Instance, image: str) -> bool:
    return (_folder(instance, image) / "layers.json").exists()


def layers(instance: Instance, image: str) -> tuple[str, ...]:
    """The image's trees, uppermost first."""
    below = json.loads((_folder(instance, image) / "layers.json").read_text())
    return (str(_folder(instance, image) / "tree"), *below)


def create(instance: Instance, image: str, writes: Path, below: tuple[str, ...]) -> float:
    """Copy ``writes`` (an overlay's upper directory); returns the size of the whole image in GB (10^9 bytes)."""
    target = _folder(instance, image)
    if not exists(instance, image):
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        # All attributes: the overlay's marks for removed files and replaced directories are among them.
        run(["cp", "--archive", writes, target / "tree"], timeout=1800)
        for name in OWN_TO_A_SERVER:
            path = target / "tree" / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        (target / "layers.json").write_text(json.dumps(list(below)))
    return sum(disks.size_bytes(Path(tree)) for tree in layers(instance, image)) / 1e9


def delete(instance: Instance, image: str) -> None:
    """Remove the image; servers made of it must be gone, or their disks lose what is below."""
    disks.trash(instance.folder, _folder(instance, image))


def retire(instance: Instance, image: str) -> None:
    """Make the image unavailable for new servers; its tree stays for those that stand on it."""
    (_folder(instance, image) / "layers.json").unlink(missing_ok=True)


def remove_unused(instance: Instance, in_use: frozenset[str]) -> None:
    """Remove retired images that no disk stands on any more; ``in_use`` are the trees of all disks."""
    folder = instance.folder / "images"
    for entry in folder.iterdir() if folder.is_dir() else ():
        if not exists(instance, entry.name) and str(entry / "tree") not in in_use:
            disks.trash(instance.folder, entry)
