"""Provider plugins for a Pulumi home: Pulumi's own where they can be had, the repository's stand-ins elsewhere.

    python -m scripts.toolchain.plugins --home .local/pulumi --pulumi .local/toolchain/pulumi

The versions are those that the installed SDKs ask for. The answer to "can they be had?" is kept in the home, with what
it was made from: a home that is up to date is left as it is within milliseconds. ``OPTICWORKS_PLUGINS=real`` and
``OPTICWORKS_PLUGINS=stand-in`` decide instead of asking.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
PROVIDERS = ("hcloud", "command", "cloudflare")
RECORD = "opticworks-plugins.json"
ASK_SECONDS = 4.0
INSTALL_SECONDS = 600

Kind = Literal["real", "stand-in"]

LAUNCHER = """\
#!/bin/sh
# The stand-in for Pulumi's {name} provider, out of the checkout that installed it.
exec '{python}' -P -c 'import runpy, sys
sys.path.insert(0, "{root}")
sys.argv = ["localcloud.plugins", "{name}", *sys.argv[1:]]
runpy.run_module("localcloud.plugins", run_name="__main__", alter_sys=True)' "$@"
"""


class PluginError(Exception):
    """The plugins could not be installed; the message says why and what to do."""


def wanted(site_packages: Path) -> dict[str, str]:
    """Provider → version, as the installed SDKs ask for them in their ``pulumi-plugin.json``."""
    versions = {}
    for name in PROVIDERS:
        path = site_packages / f"pulumi_{name}" / "pulumi-plugin.json"
        if path.is_file():
            versions[name] = str(json.loads(path.read_text())["version"]).removeprefix("v")
    return versions


def choose(versions: Mapping[str, str], environment: Mapping[str, str]) -> Kind:
    """Which plugins to install: as ``OPTICWORKS_PLUGINS`` says, else Pulumi's own if its download site has them."""
    asked = environment.get("OPTICWORKS_PLUGINS", "")
    if asked == "real":
        return "real"
    if asked == "stand-in":
        return "stand-in"
    if asked:
        raise PluginError(
            f"OPTICWORKS_PLUGINS is {asked!r}: allowed are real and stand-in; unset it to let this decide."
        )
    return "real" if versions and all(obtainable(name, version) for name, version in versions.items()) else "stand-in"


def obtainable(name: str, version: str) -> bool:
    """Whether Pulumi's download site answers for this plugin within a few seconds."""
    system = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    url = f"https://get.pulumi.com/releases/plugins/pulumi-resource-{name}-v{version}-linux-{system}.tar.gz"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=ASK_SECONDS) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def pack(name: str, python: Path, root: Path, archive: Path) -> None:
    """Writes the archive that ``pulumi plugin install --file`` takes: a launcher named as the engine looks for it."""
    content = LAUNCHER.format(name=name, python=python, root=root).encode()
    entry = tarfile.TarInfo(f"pulumi-resource-{name}")
    entry.size, entry.mode = len(content), 0o755
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(entry, io.BytesIO(content))


def install(home: Path, cli: Path, *, root: Path = ROOT, python: Path | None = None) -> str:
    """Makes ``home`` (a PULUMI_HOME) hold the plugins; returns one line for people. Raises :class:`PluginError`."""
    python = python or root / ".venv" / "bin" / "python"
    versions = wanted(site_packages(python))
    if not versions:
        raise PluginError(f"{python} has no pulumi provider SDK: run scripts/up to install requirements.lock.")
    state = {"root": str(root), "python": str(python), "versions": versions}
    record = home / RECORD
    known = json.loads(record.read_text()) if record.is_file() else {}
    forced = os.environ.get("OPTICWORKS_PLUGINS", "")
    if {**state, "kind": forced or known.get("kind")} == known and complete(home, versions):
        return f"{known['kind']} plugins ({listed(versions)})"

    kind = choose(versions, os.environ)
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="opticworks-plugins-") as folder:
        for name, version in versions.items():
            command = [str(cli), "plugin", "install", "resource", name, version, "--reinstall"]
            if kind == "stand-in":
                archive = Path(folder, f"{name}.tar.gz")
                pack(name, python, root, archive)
                command += ["--file", str(archive)]
            run(command, home)
    record.write_text(json.dumps({**state, "kind": kind}, indent=2) + "\n")
    return f"{kind} plugins ({listed(versions)})"


def run(command: list[str], home: Path) -> None:
    environment = {**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "1"}
    try:
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PluginError(f"`{' '.join(command)}` did not work: {error}") from None
    if result.returncode != 0:
        reason = (result.stderr or result.stdout).strip().splitlines()
        raise PluginError(f"`{' '.join(command)}` did not work: {reason[-1] if reason else result.returncode}")


def complete(home: Path, versions: Mapping[str, str]) -> bool:
    """Whether the engine finds every plugin in ``home``."""
    return all(
        (home / "plugins" / f"resource-{name}-v{version}" / f"pulumi-resource-{name}").is_file()
        for name, version in versions.items()
    )


def site_packages(python: Path) -> Path:
    """The folder of installed packages of a virtual environment's interpreter."""
    found = sorted((python.parent.parent / "lib").glob("python3.*/site-packages"))
    return found[-1] if found else python.parent.parent / "lib"


def listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.toolchain.plugins", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--home", type=Path, default=ROOT / ".local" / "pulumi", help="the PULUMI_HOME to fill")
    parser.add_argument("--pulumi", type=Path, default=ROOT / ".local" / "toolchain" / "pulumi", help="the CLI to use")
    arguments = parser.parse_args()
    try:
        print(install(arguments.home.absolute(), arguments.pulumi.absolute()))
    except PluginError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
