"""The steps that prepare a machine, and which of them a command needs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

from scripts.toolchain import cli, environment, packages, plugins
from scripts.toolchain.paths import LOCAL, PULUMI, PYTHON, ROOT
from scripts.toolchain.steps import Log, SetupError, Step

OLDEST_NODE = (20, 19)
"""What Medusa 2 builds with. The servers' own Node comes with the release."""

APPLICATION = Path("examples/backend")
STOREFRONT = Path("examples/storefront")


def provider_plugins(log: Log) -> str:
    log.note = "asking for Pulumi's own plugins"
    try:
        return plugins.install(LOCAL / "pulumi", PULUMI)
    except plugins.PluginError as error:
        raise SetupError(str(error)) from None


def images(log: Log) -> str:
    """The operating-system images that the embedded cloud boots; it keeps them in a cache of its own."""
    said = log.run([PYTHON, "-m", "localcloud", "images", "build"])
    return ", ".join(Path(line).name for line in said.split())


def release(log: Log) -> str:
    """The backend's release archive; its path is found again by :func:`release_path`."""
    need_node()
    said = log.run([PYTHON, "-m", "scripts.operator", "release", "build", "--app", APPLICATION, "--json"])
    built = json.loads(said)
    RELEASE.parent.mkdir(parents=True, exist_ok=True)
    RELEASE.write_text(str(built["path"]))
    return f"{'up to date' if built['reused'] else 'built'}, {Path(built['path']).name}"


def workers_runtime(log: Log) -> str:
    """The program that Workers run in."""
    need_node()
    return Path(log.run([PYTHON, "-m", "localcloud", "runtime", "install"]).strip()).name + " is there"


def storefront(log: Log) -> str:
    """The storefront's bundle; its path is found again by :func:`storefront_path`."""
    need_node()
    said = log.run([PYTHON, "-m", "scripts.operator", "storefront", "build", "--app", STOREFRONT, "--json"])
    built = json.loads(said)
    BUNDLE.parent.mkdir(parents=True, exist_ok=True)
    BUNDLE.write_text(str(built["path"]))
    return f"{'up to date' if built.get('reused') else 'built'}, {Path(built['path']).name}"


RELEASE = LOCAL / "toolchain" / "release"
BUNDLE = LOCAL / "toolchain" / "storefront"


def release_path() -> str:
    """The release archive that the last run found or built, relative to the checkout if it lies in it."""
    return noted(RELEASE)


def storefront_path() -> str:
    """The storefront's bundle that the last run found or built, likewise."""
    return noted(BUNDLE)


def noted(note: Path) -> str:
    path = Path(note.read_text().strip())
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def need_node() -> None:
    node = shutil.which("node")
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip() if node else ""
    match = re.match(r"v(\d+)\.(\d+)", said)
    if match is None or (int(match[1]), int(match[2])) < OLDEST_NODE:
        oldest = ".".join(map(str, OLDEST_NODE))
        raise SetupError(f"Building the store needs Node {oldest} or newer ({said or 'none found'}): install it.")


STEPS = (
    Step("packages", "System packages", packages.install, usual="1 min"),
    Step("python", "Python packages", environment.prepare, usual="1 min"),
    Step("pulumi", "Pulumi CLI", cli.install, usual="4 min where it must be built"),
    Step("plugins", "Provider plugins", provider_plugins, needs=("python", "pulumi")),
    Step("images", "System images", images, needs=("packages", "python"), usual="2 min"),
    Step("release", "Backend release", release, needs=("packages", "python"), usual="4 min"),
    Step("runtime", "Workers runtime", workers_runtime, needs=("packages", "python"), usual="10 s"),
    Step("storefront", "Storefront", storefront, needs=("packages", "python"), usual="2 min"),
)

TEST_STEPS = (
    # After the other packages: apt does one thing at a time.
    Step("browser", "Browser for tests", packages.install_browser, needs=("packages",), usual="1 min"),
)


def steps(names: Collection[str]) -> list[Step]:
    """The named steps; a Python that Debian ships makes environments only once python3-venv is there."""
    chosen = [step for step in (*STEPS, *TEST_STEPS) if step.name in names]
    needs_venv = "packages" in names and os.geteuid() == 0 and not can_make_environments()
    return [
        Step(step.name, step.title, step.run, ("packages", *step.needs), step.usual)
        if needs_venv and step.name == "python"
        else step
        for step in chosen
    ]


def can_make_environments() -> bool:
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        return False
    return True
