"""From an application's folder to a release archive, in named steps that say how long they took."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from scripts.operator import building
from scripts.operator.errors import OperatorError
from scripts.operator.process import Runner
from scripts.operator.process import run as run_for_real
from scripts.operator.release import application as app
from scripts.operator.release import archive, registry
from scripts.operator.release.archive import Release
from scripts.operator.release.prune import prune

STEPS = 6
QUIET = building.QUIET_NPM | {"MEDUSA_DISABLE_TELEMETRY": "true"}
# Loads every package of Medusa's that stayed, in the release's own Node: what was pruned too deep fails here.
PROBE = """
const fs = require("fs"), path = require("path"), scope = path.resolve("node_modules/@medusajs"), failed = []
for (const name of fs.readdirSync(scope)) {
  const manifest = JSON.parse(fs.readFileSync(path.join(scope, name, "package.json"), "utf8"))
  // The first two do things when loaded; a main file that is absent was absent before (whole packages are pruned).
  if (name === "telemetry" || name === "cli") continue
  if (!manifest.main || !fs.existsSync(path.join(scope, name, manifest.main))) continue
  try { require(path.join(scope, name)) }
  catch (error) { failed.push(`@medusajs/${name}: ${String(error.message).split("\\n")[0]}`) }
}
if (failed.length) { console.error(failed.join("\\n")); process.exit(1) }
process.exit(0)
"""


@dataclass(frozen=True)
class Built:
    """Where the archive is, what it is, and whether it was there before."""

    path: Path
    release: Release
    reused: bool
    seconds: float
    size: int
    """Bytes of the archive."""


def default_cache() -> Path:
    """`$XDG_CACHE_HOME/opticworks/releases`, by default below ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opticworks" / "releases"


def build(folder: Path, output: Path | None, cache: Path, run: Runner = run_for_real) -> Built:
    """Build the release of the application in `folder`, or find it built; a copy goes to `output` when it is given."""
    begun = time.monotonic()
    application = app.read(folder.resolve())
    node = registry.node_for(application.engines)
    pins = [str(node), *([application.manager_pin] if application.manager_pin else [])]
    inputs = app.input_hash(application, *pins)
    with building.only_one(cache, "release"):
        found = _stamped(cache, inputs)
        if found is None:
            _check_host()
            path, release = _make(application, node, inputs, cache, run)
            building.remember(cache, inputs, path.name)
        else:
            path, release = found
    if output is not None:
        path = _publish(path, output)
    return Built(path, release, found is not None, time.monotonic() - begun, path.stat().st_size)


def _stamped(cache: Path, inputs: str) -> tuple[Path, Release] | None:
    path = building.remembered(cache, inputs)
    if path is None:
        return None
    try:
        return path, archive.read(path)
    except (OSError, OperatorError):
        return None


def _make(
    application: app.Application, node: registry.Pin, inputs: str, cache: Path, run: Runner
) -> tuple[Path, Release]:
    progress = building.Progress(STEPS)
    work = cache / "work" / inputs[:16]
    shutil.rmtree(work, ignore_errors=True)
    source, server = work / "app", work / "app" / ".medusa" / "server"
    packages = cache.parent / "packages"
    with progress.doing(f"Node {node.version} as engines asks ({application.engines or 'any'})"):
        node_folder = registry.fetch(node, packages, run)
    manager = _manager(application, packages, run)
    environment = QUIET | {"PATH": f"{node_folder / 'bin'}:{os.environ['PATH']}"}
    build_environment = environment | {"NODE_ENV": "production"}
    lock = app.LOCKS[application.manager]
    with progress.doing(f"dependencies ({application.manager})"):
        building.copy(app.files(application.folder), application.folder, source)
        building.run_tool(run, (*manager.install,), source, environment, "the dependencies could not be installed")
    with progress.doing("build with the admin"):
        medusa = ("node", "node_modules/@medusajs/cli/cli.js", "build")
        said = building.run_tool(run, medusa, source, build_environment, "`medusa build` failed")
        if "build completed with errors" in said:
            # It exits with 0 all the same, and leaves out or breaks what it could not compile.
            raise OperatorError(
                "`medusa build` compiled with errors",
                advice="correct them: `npx tsc --noEmit` in the application's folder shows them",
                detail=said[-3000:],
            )
    with progress.doing("production dependencies"):
        for name in (lock, "pnpm-workspace.yaml", ".npmrc"):
            if (source / name).is_file():
                shutil.copy2(source / name, server / name)
        building.run_tool(
            run, manager.production, server, environment, "the production dependencies could not be installed"
        )
    with progress.doing("prune what no server loads, load the rest once") as notes:
        pruned = prune(server)
        make_migration_folders(server)
        notes.append(f"{pruned.packages} packages and {pruned.files} files less")
        building.run_tool(run, ("node", "-e", PROBE), server, build_environment, "the pruned release does not load")
    with progress.doing("pack") as notes:
        runtime = work / "node"
        (runtime / "bin").mkdir(parents=True)
        for name in ("bin/node", "LICENSE"):
            shutil.copy2(node_folder / name, runtime / name)
        release = Release(application.name, "", node.version, _medusa_version(server), inputs[:16])
        path, release = archive.write({"app": server, "node": runtime}, release, cache)
        notes.append(f"{path.stat().st_size / 1e6:.0f} MB")
    shutil.rmtree(work, ignore_errors=True)
    return path, release


@dataclass(frozen=True)
class _Manager:
    install: tuple[str, ...]
    production: tuple[str, ...]


def _manager(application: app.Application, packages: Path, run: Runner) -> _Manager:
    """Command lines of the package manager; the second installs from what the first fetched."""
    if application.manager_pin is None:
        return _Manager(("npm", "ci"), ("npm", "ci", "--omit=dev", "--prefer-offline"))
    folder = registry.fetch(registry.pnpm_from(application.manager_pin), packages, run)
    pnpm = ("node", str(folder / "bin" / "pnpm.cjs"), "install", "--frozen-lockfile")
    store = f"--store-dir={packages.parent / 'pnpm-store'}"
    # The pin was checked above; pnpm would otherwise fetch itself again to honour packageManager.
    own = "--config.manage-package-manager-versions=false"
    return _Manager((*pnpm, store, own), (*pnpm, store, own, "--prod", "--offline"))


def make_migration_folders(server: Path) -> None:
    """The folders that `medusa db:migrate` makes where a module has none, and which nobody can make on a server.

    It looks beside each module's compiled code, also in modules without tables, and fails when it may not write.
    """
    modules = [*server.glob("node_modules/@medusajs/*/dist"), *server.glob("src/modules/*")]
    modules += server.glob("node_modules/**/.medusa/server/src/modules/*")
    for module in modules:
        if module.is_dir():
            (module / "migrations").mkdir(exist_ok=True)


def _medusa_version(server: Path) -> str:
    manifest = server / "node_modules" / "@medusajs" / "medusa" / "package.json"
    return str(json.loads(manifest.read_text(encoding="utf-8"))["version"])


def _publish(path: Path, output: Path) -> Path:
    """The archive in `output` (a hard link where that goes), and `latest.tar.zst` beside it naming it."""
    output.mkdir(parents=True, exist_ok=True)
    target = output / path.name
    if not target.exists() or target.stat().st_size != path.stat().st_size:
        partial = output / f".{path.name}.{os.getpid()}"
        try:
            os.link(path, partial)
        except OSError:
            shutil.copy2(path, partial)
        os.replace(partial, target)
    building.link(output / f"latest{archive.SUFFIX}", target.name)
    return target


def _check_host() -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise OperatorError(
            f"a release holds compiled parts for Linux x86-64; this machine is {sys.platform} {platform.machine()}",
            advice="build it on a Linux x86-64 machine and name the archive in the stack's backendRelease",
        )
    if shutil.which("npm") is None:
        raise OperatorError("npm is not installed", advice="run scripts/up: it installs what the commands need")
