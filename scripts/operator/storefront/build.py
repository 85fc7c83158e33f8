"""From an app's folder to a composed bundle, in named steps that say how long they took.

Next.js puts another id into each build, so the same sources never give the same bundle twice: what was built is found
again by the hash of what it was built from.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from components.storefront import Bundle, BundleError, composition
from components.storefront import read as read_bundle
from scripts.operator import building
from scripts.operator.errors import OperatorError
from scripts.operator.process import Command, Runner
from scripts.operator.process import run as run_for_real
from scripts.operator.storefront import application as app

STEPS = 3
LATEST = "latest"
"""Link beside the bundles to the one that was asked for last."""
KEPT = 5
"""Bundles that stay in the cache, those used last."""
KEPT_FOLDERS = 2
"""Folders with installed packages that stay, several hundred MB each: one for each lock file."""
QUIET = building.QUIET_NPM | {"NEXT_TELEMETRY_DISABLED": "1", "WRANGLER_SEND_METRICS": "false"}
# What a build has no business with: it could end up in the bundle, or send wrangler to a cloud.
WITHHELD = ("AWS_", "CLOUDFLARE_", "HCLOUD_", "PULUMI_")


@dataclass(frozen=True)
class Built:
    """Where the bundle is, what it is, and whether it was there before."""

    path: Path
    bundle: Bundle
    reused: bool
    seconds: float


def default_cache() -> Path:
    """`$XDG_CACHE_HOME/opticworks/storefronts`, by default below ~/.cache."""
    return composition.cache() / "storefronts"


def build(folder: Path, output: Path, *, paid: bool, cache: Path, run: Runner = run_for_real) -> Built:
    """Build the bundle of the app in `folder`, or find it built, and put it into `output`.

    Raises OperatorError: the app is none, a step failed, or the bundle is over the limits of the Workers plan.
    """
    begun = time.monotonic()
    application = app.read(folder.resolve())
    before = composition.tree_digest(
        [*(composition.WORKER / name for name in composition.SOURCES), composition.WORKER / "package-lock.json"]
    )
    inputs = app.input_hash(application.folder, os.environ, before, f"node {_node(run)}")
    with building.only_one(cache, "storefront"):
        known = _known(cache, inputs)
        made = known or _make(application, inputs, cache, run)
        os.utime(made)
        try:
            bundle = read_bundle(made, paid=paid, project=Path.cwd(), store=output)
        except BundleError as error:
            raise OperatorError(f"{made.name}: {error.rule}", advice=error.fix) from error
        prune(cache)
    building.link(output / LATEST, bundle.folder.name)
    return Built(bundle.folder, bundle, known is not None, time.monotonic() - begun)


def _known(cache: Path, inputs: str) -> Path | None:
    found = building.remembered(cache, inputs)
    return found if found is not None and (found / "manifest.json").is_file() else None


def _make(application: app.Application, inputs: str, cache: Path, run: Runner) -> Path:
    environment: dict[str, str | None] = {name: None for name in os.environ if name.startswith(WITHHELD)}
    environment |= QUIET
    progress = building.Progress(STEPS)
    work = cache / "work" / composition.tree_digest([application.folder / app.LOCK])[:16]
    with progress.doing("dependencies (npm)") as notes:
        _take_over(application.folder, work)
        if (work / "node_modules" / ".complete").is_file():
            notes.append("installed before")
        else:
            shutil.rmtree(work / "node_modules", ignore_errors=True)
            building.run_tool(
                run, ("npm", "ci", "--no-progress"), work, environment, "the dependencies could not be installed"
            )
            (work / "node_modules" / ".complete").touch()
        os.utime(work)
    with progress.doing(f"npm run {app.SCRIPT}"):
        failed = f"`npm run {app.SCRIPT}` failed"
        building.run_tool(run, ("npm", "run", app.SCRIPT), work, environment, failed)
        if not (work / app.OUTPUT).is_dir():
            raise OperatorError(failed, advice=f"the script has to leave the bundled Worker in {app.OUTPUT}/")
    with progress.doing("compose with the Worker before it") as notes:
        out = cache / f".{inputs[:16]}.{os.getpid()}"
        try:
            composition.run(work / app.OUTPUT, out, f"{application.name}/{app.OUTPUT}")
            manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
            place = cache / f"storefront-{manifest['digest']}"
            shutil.rmtree(place, ignore_errors=True)
            out.rename(place)
        except BundleError as error:
            raise OperatorError(f"{error.value}: {error.rule}", advice=error.fix) from error
        finally:
            shutil.rmtree(out, ignore_errors=True)
        notes.append(f"{manifest['size']['gzip'] / 1024:.0f} KiB compressed, {manifest['assets']['count']} assets")
    building.remember(cache, inputs, place.name)
    return place


def _take_over(folder: Path, work: Path) -> None:
    """The app's own files into `work`, where nothing but its installed packages was left."""
    work.mkdir(parents=True, exist_ok=True)
    for entry in work.iterdir():
        if entry.name == "node_modules":
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    building.copy(app.files(folder), folder, work)


def prune(cache: Path) -> None:
    """Leave what was used last, and of the notes those that lead to it."""
    _leave(cache.glob("storefront-*"), KEPT)
    _leave((cache / "work").glob("*"), KEPT_FOLDERS)
    for note in (cache / "inputs").glob("*.json"):
        if _known(cache, note.stem) is None:
            note.unlink(missing_ok=True)


def _leave(folders: Iterator[Path], count: int) -> None:
    for folder in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)[count:]:
        shutil.rmtree(folder, ignore_errors=True)


def _node(run: Runner) -> str:
    """Node's major version; it decides what npm installs and how the bundle is built."""
    done = run(Command(("node", "--version")))
    if done.code or not done.stdout.startswith("v"):
        raise OperatorError("`node --version` failed", advice="install Node 20.19 or newer", detail=done.stderr)
    return done.stdout[1:].split(".")[0]
