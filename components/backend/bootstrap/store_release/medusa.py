"""Medusa's own commands in a release: migrations, the seed, and whatever an operator asks for."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import time
from collections.abc import Mapping, Sequence

from . import common
from .common import Problem, readable, say, tail

CLI = "node_modules/@medusajs/cli/cli.js"


def as_medusa(
    digest: str, arguments: Sequence[str], values: Mapping[str, str], *, capture: bool = True
) -> tuple[int, str]:
    """Run Medusa's command line in a release as the user medusa; (exit code, what it said)."""
    release = common.RELEASES / digest
    if not (release / "release.json").is_file():
        raise Problem(f"release {digest} is not installed here")
    user = pwd.getpwnam("medusa")
    own = {"PATH": "/usr/bin:/bin", "HOME": user.pw_dir, "LANG": "C.UTF-8", "NODE_ENV": "production"}
    done = subprocess.run(
        [str(release / "node/bin/node"), CLI, *arguments],
        cwd=release / "app",
        env={**values, **own, "MEDUSA_DISABLE_TELEMETRY": "true"},
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        stdin=subprocess.DEVNULL if capture else None,
        stdout=subprocess.PIPE if capture else None,
        stderr=subprocess.STDOUT if capture else None,
        text=True,
        check=False,
    )
    return done.returncode, readable(done.stdout) if capture else ""


def migrate(digest: str, values: Mapping[str, str]) -> None:
    begun = time.monotonic()
    # Safe links only: what would drop a table stops here, and a person decides.
    code, said = as_medusa(digest, ["db:migrate", "--execute-safe-links"], values)
    if code:
        raise Problem(f"db:migrate of release {digest} failed; what it said last:\n{tail(said)}")
    say(f"migrations of release {digest} ran in {time.monotonic() - begun:.1f} s")


def seed(digest: str, values: Mapping[str, str]) -> str:
    code, said = as_medusa(digest, ["exec", "./src/scripts/seed.js"], values)
    marked = [line.removeprefix("SEED ") for line in said.splitlines() if line.startswith("SEED ")]
    if code or len(marked) != 1:
        raise Problem(f"the seed of release {digest} failed; what it said last:\n{tail(said)}")
    return json.dumps(json.loads(marked[0]), sort_keys=True)


def run(arguments: Sequence[str]) -> int:
    """Medusa's command line in the release that serves, with its environment, on this terminal."""
    if os.geteuid() != 0:
        raise Problem("only root can do this: use sudo")
    if not common.CURRENT.exists():
        raise Problem("no release serves here yet")
    return as_medusa(common.CURRENT.resolve().name, arguments, common.stored_environment(), capture=False)[0]
