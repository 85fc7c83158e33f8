"""Base images: built once by mmdebstrap, kept in the cache directory, shared read-only by all servers and instances.

``python -m localcloud.machines.images build`` makes them ahead of time; a server of an image that is not there yet
builds it on first use.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud.machines import recipe
from localcloud.machines.interface import MachineError

Progress = Callable[[str, float], None]
"""Called with what is being done and the fraction of the whole that is behind (0 to 1)."""

STEPS = {
    "running apt-get update": 0.05,
    "downloading packages": 0.15,
    "extracting archives": 0.35,
    "installing essential": 0.45,
    "installing remaining": 0.6,
    "cleaning": 0.92,
}
"""Beginnings of mmdebstrap's own messages → fraction of the build that is behind."""


def default_cache() -> Path:
    """``$LOCALCLOUD_CACHE``, else ``localcloud`` below the user's cache directory."""
    if path := os.environ.get("LOCALCLOUD_CACHE"):
        return Path(path)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "localcloud"


def path_of(cache: Path, image: str) -> Path:
    """Where the current version of ``image`` is, or will be."""
    return cache / "images" / f"{image}-{recipe.version(image)}"


def is_built(cache: Path, image: str) -> bool:
    return (path_of(cache, image) / "etc/os-release").exists()


@contextmanager
def _lock(cache: Path, image: str) -> Iterator[None]:
    folder = cache / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{image}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(cache: Path, image: str, progress: Progress = lambda what, done: None) -> Path:
    """Build ``image`` unless it is there; returns its tree. Several builders at once: one works, the others wait."""
    if image not in recipe.SUITES:
        raise MachineError(f"no machine here can boot image {image!r}: there are {', '.join(sorted(recipe.SUITES))}")
    target = path_of(cache, image)
    if is_built(cache, image):
        return target
    with _lock(cache, image):
        if is_built(cache, image):
            return target
        scratch = target.with_name(f".{target.name}.new")
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            _run_builder(recipe.build_command(image, scratch), progress)
            progress("setting up the image", 0.94)
            recipe.prepare(scratch)
            scratch.rename(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    progress("ready", 1.0)
    return target


def _run_builder(command: list[str], progress: Progress) -> None:
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    except FileNotFoundError:
        raise MachineError(
            "mmdebstrap is not installed; install it with: apt-get install mmdebstrap debian-archive-keyring"
        ) from None
    assert process.stdout is not None
    tail: list[str] = []
    for line in process.stdout:
        tail = [*tail[-11:], line.rstrip()]
        for start, done in STEPS.items():
            if line.startswith(f"I: {start}"):
                progress(line[3:].strip(), done)
    if process.wait() != 0:
        raise MachineError("building the image failed:\n" + "\n".join(tail))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m localcloud.machines.images",
        description="Build the operating system images that servers boot.",
        epilog="example: python -m localcloud.machines.images build debian-13",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    builder = commands.add_parser("build", help="build the images that are not there yet")
    builder.add_argument("images", nargs="*", metavar="IMAGE", help="default: all")
    builder.add_argument("--json", action="store_true", help="progress and result as JSON, one object a line")
    builder.add_argument("--cache", type=Path, default=default_cache(), help="default: %(default)s")
    options = parser.parse_args(arguments)

    for image in options.images or recipe.SUITES:
        began = time.monotonic()

        def tell(what: str, done: float, image: str = image, began: float = began) -> None:
            seconds = round(time.monotonic() - began, 1)
            if options.json:
                print(json.dumps({"image": image, "step": what, "done": done, "seconds": seconds}), flush=True)
            else:
                print(f"{image}: {what} ({done:.0%}, {seconds:.0f} s)", file=sys.stderr, flush=True)

        try:
            path = build(options.cache, image, tell)
        except MachineError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        print(json.dumps({"image": image, "path": str(path)}) if options.json else path, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
