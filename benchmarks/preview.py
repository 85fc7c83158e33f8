"""Preview of production against a preview of a program that does nothing, of as many resources, on the same SDKs.

Both run against states of their own; secrets are made for a throw-away copy of the project, and the embedded cloud that
it asks runs with machines in memory: nothing boots, no root is needed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import show
from scripts.operator.release import archive
from tests.e2e.store.checkout import make

ROOT = Path(__file__).resolve().parents[1]
CLI = ROOT / ".local" / "toolchain" / "pulumi"
NOOP = ROOT / "benchmarks" / "noop"
AIM = 1.5
STRIPE = {"stripeApiKey": "sk_" + "live_" + "MadeUpForABenchmark0", "stripeWebhookSecret": "whsec_MadeUpForABenchmark0"}


@dataclass
class Project:
    """A project's folder and the variables that its `pulumi` needs."""

    folder: Path
    environment: dict[str, str]

    def pulumi(self, *words: str, stdin: str | None = None) -> str:
        """`pulumi WORDS`; what it printed. A failure ends the benchmark with what it said."""
        done = subprocess.run(
            [str(CLI), *words, "--non-interactive", "--color", "never"],
            cwd=self.folder, env=os.environ | self.environment, text=True, capture_output=True, input=stdin,
        )  # fmt: skip
        if done.returncode != 0:
            sys.exit(f"pulumi {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def preview(self, *words: str) -> tuple[float, int]:
        """Seconds of one preview, and how many resources of providers it would make."""
        started = time.monotonic()
        said = self.pulumi("preview", "--json", *words)
        seconds = time.monotonic() - started
        steps = json.loads(said)["steps"]
        return seconds, sum(1 for step in steps if step["newState"].get("custom"))


@contextmanager
def cloud(home: Path) -> Iterator[dict[str, str]]:
    """An embedded cloud without machines; the variables that lead Hetzner's clients to it."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "localcloud"]
    environment = os.environ | {"LOCALCLOUD_HOME": str(home), "LOCALCLOUD_PORT": str(port)}
    subprocess.run(
        [*command, "start", "--machines", "memory"], cwd=ROOT, env=environment, check=True, stdout=sys.stderr
    )
    try:
        token = (home / "token").read_text().strip()
        yield {"HCLOUD_TOKEN": token, "endpoint": f"http://127.0.0.1:{port}/v1"}
    finally:
        subprocess.run([*command, "stop"], cwd=ROOT, env=environment, check=False, stdout=sys.stderr)


def production(scratch: Path, variables: dict[str, str]) -> Project:
    """The store's project, copied, so that nothing is written to the stack files of this checkout."""
    endpoint = variables.pop("endpoint")
    state, folder = scratch / "state", scratch / "checkout"
    state.mkdir()
    folder.mkdir()
    make(folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    project = Project(
        folder,
        variables
        | {
            "PULUMI_HOME": str(ROOT / ".local" / "pulumi"),
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": "benchmark",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
        },
    )
    project.pulumi("stack", "init", "production")
    project.pulumi("config", "set", "hcloud:endpoint", endpoint)
    path = os.pathsep.join([str(CLI.parent), os.environ["PATH"]])
    made = subprocess.run(
        [folder / "scripts" / "store", "secrets", "generate", "-s", "production"],
        env=os.environ | project.environment | {"PATH": path}, text=True, capture_output=True,
    )  # fmt: skip
    # 1 says that Stripe's keys are still missing; they are set below.
    if made.returncode not in (0, 1):
        sys.exit(made.stderr)
    project.pulumi("config", "set", "--path", "sshAllowedCidrs[0]", "192.0.2.7/32")
    project.pulumi("config", "set", "backendRelease", str(release(scratch)))
    for key, value in STRIPE.items():
        project.pulumi("config", "set", key, "--secret", stdin=value)
    return project


def release(scratch: Path) -> Path:
    """A release archive with nothing in it: a preview reads what it is called, and sends it nowhere."""
    folder = scratch / "release"
    (folder / "app").mkdir(parents=True)
    (folder / "node").mkdir()
    folders = {"app": folder / "app", "node": folder / "node"}
    return archive.write(folders, archive.Release("benchmark", "", "22.0.0", "2.0.0", ""), scratch)[0]


def noop(scratch: Path, count: int) -> Project:
    """The program that does nothing, with its provider installed in a home of its own."""
    folder = scratch / "noop"
    (folder / "state").mkdir(parents=True)
    shutil.copy(NOOP / "program.py", folder / "__main__.py")
    virtualenv = Path(sys.prefix)
    (folder / "Pulumi.yaml").write_text(
        f"name: noop\nruntime:\n  name: python\n  options:\n    toolchain: pip\n    virtualenv: {virtualenv}\n"
    )
    (folder / "Pulumi.noop.yaml").write_text(f"config: {{'noop:count': {count}}}\n")
    project = Project(
        folder,
        {
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "benchmark",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
        },
    )
    project.pulumi("plugin", "install", "resource", "noop", "1.0.0", "--file", str(_packed(folder)))
    # The SDKs that it imports ask for their plugins: the store's own are there already.
    for plugin in (ROOT / ".local" / "pulumi" / "plugins").glob("resource-*"):
        (folder / "home" / "plugins" / plugin.name).symlink_to(plugin)
    project.pulumi("stack", "init", "noop")
    return project


def _packed(folder: Path) -> Path:
    launcher = f"#!/bin/sh\nexec '{sys.executable}' '{NOOP / 'provider.py'}' \"$@\"\n".encode()
    entry = tarfile.TarInfo("pulumi-resource-noop")
    entry.size, entry.mode = len(launcher), 0o755
    archive = folder / "noop.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(entry, io.BytesIO(launcher))
    return archive


def main() -> None:
    """Measure in turns, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.preview", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="previews of each (default 5)")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="store-benchmark-") as name:
        scratch = Path(name)
        with cloud(scratch / "cloud") as variables:
            store = production(scratch, variables)
            _, count = store.preview()
            nothing = noop(scratch, count)
            nothing.preview()
            pairs = [(store.preview()[0], nothing.preview()[0]) for _ in range(asked.rounds)]
    ours, theirs = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    if asked.json:
        print(json.dumps({"resources": count, "production": ours, "noop": theirs, "ratio": ours / theirs}))
        return
    show(
        f"preview, {count} resources, best of {asked.rounds} in turns",
        [
            ("production", f"{ours:.2f} s", ""),
            ("a program that does nothing", f"{theirs:.2f} s", ""),
            ("ratio", f"{ours / theirs:.2f}", f"≤ {AIM}"),
        ],
    )


if __name__ == "__main__":
    main()
