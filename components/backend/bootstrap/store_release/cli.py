"""Installs, migrates, seeds and activates releases of Medusa on this instance (root).

    store-release install ARCHIVE DIGEST SHA256     unpack to /opt/medusa/releases/DIGEST
    store-release migrate DIGEST  < environment     medusa db:migrate with that release
    store-release seed DIGEST  < environment        fill an empty store; prints what the seed says as JSON
    store-release activate DIGEST [--drain]  < environment
                                                    serve that release; the one before serves on if it does not start;
                                                    with other instances there, customers are sent to them first
    store-release run ARGUMENT…                     any command of Medusa's, in the release that serves
    store-release status                            what is installed and what serves, as JSON

The environment is a JSON object of strings on standard input; it ends up in /etc/medusa (root only).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from . import common
from .activate import activate, healthy
from .common import Problem, only_one, read_environment, say
from .install import install
from .medusa import migrate, run, seed


def main(argv: Sequence[str]) -> int:
    commands = {"install": 3, "migrate": 1, "seed": 1, "activate": 1, "status": 0}
    try:
        if argv[:1] == ["run"] and len(argv) > 1:
            return run(argv[1:])
        others = argv[:1] == ["activate"] and argv[-1] == "--drain"
        argv = argv[:-1] if others else argv
        if not argv or len(argv) - 1 != commands.get(argv[0], -1):
            print(__doc__)
            return 0 if argv[:1] in (["-h"], ["--help"]) else 2
        if os.geteuid() != 0:
            raise Problem("only root can do this: use sudo")
        if argv[0] == "status":
            print(json.dumps(status(), indent=2))
            return 0
        digest = argv[2] if argv[0] == "install" else argv[1]
        if not re.fullmatch(r"[0-9a-f]{16}", digest):
            raise Problem(f"{digest} is not a release's digest (16 hex digits)")
        with only_one():
            if argv[0] == "install":
                install(Path(argv[1]), digest, argv[3])
            elif argv[0] == "migrate":
                migrate(digest, read_environment())
            elif argv[0] == "seed":
                print(seed(digest, read_environment()))
            else:
                activate(digest, read_environment(), others)
        return 0
    except Problem as problem:
        say(f"error: {problem}")
        return 1


def status() -> dict[str, object]:
    serving = common.CURRENT.resolve().name if common.CURRENT.exists() else None
    folders = common.RELEASES.iterdir() if common.RELEASES.is_dir() else iter(())
    installed = sorted(path.name for path in folders if not path.name.startswith("."))
    return {"serving": serving, "installed": installed, "problem": healthy()}
