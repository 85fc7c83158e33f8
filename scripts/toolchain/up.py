"""``scripts/up``: prepares this machine, starts the embedded cloud on it, and brings the local stack up."""

from __future__ import annotations

import argparse
import sys
import time

from scripts.toolchain import local_stack, preflight, setup
from scripts.toolchain.paths import LOCAL, LOGS
from scripts.toolchain.steps import SetupError, execute

EXAMPLES = """\
examples:
  scripts/up                 # from nothing to a store that answers; again: what changed
  scripts/up --prepare       # only what has to be installed and built
  OPTICWORKS_PLUGINS=stand-in scripts/up
                             # never ask for Pulumi's own provider plugins
  LOCALCLOUD_PORT=9470 LOCALCLOUD_CLOUDFLARE_PORT=9471 LOCALCLOUD_S3_PORT=9472 \\
  LOCALCLOUD_EDGE_PORT=9443 LOCALCLOUD_EDGE_HTTP_PORT=9480 scripts/up
                             # a second checkout beside the first: other ports, remembered by its cloud

It takes up to 15 minutes on a new machine and less than 4 on a prepared one. What it downloads and builds is kept in
~/.cache/opticworks and ~/.cache/localcloud (XDG_CACHE_HOME), this checkout's state in .local/, logs in .local/logs/.
"""

NEXT = """
Next:
  . scripts/env              a shell in which pulumi, hcloud, wrangler, curl and store know this stack
  scripts/store smoke        a customer's path through the store
  pulumi config set medusaInstances 3 -s local && pulumi up -s local
  pulumi destroy --yes -s local && python -m localcloud stop
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/up",
        description=__doc__.replace("``", ""),
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--prepare",
        action="store_true",
        help="install and build what is needed, deploy nothing; "
        "enough for staging and production, and needs root only for packages that are missing",
    )
    asked = parser.parse_args(arguments)

    names = [step.name for step in setup.STEPS]
    machine = preflight.look()
    boots = not asked.prepare or machine.user == 0
    wrong = preflight.problems(machine, boots=boots)
    if not asked.prepare:
        wrong += local_stack.port_problems()
    for problem in wrong:
        print(problem, file=sys.stderr)
    if wrong:
        return 1

    started = time.monotonic()
    if not boots:
        names.remove("images")
        print("Without root: no system images, which only the local stack boots.", flush=True)
    if not execute(setup.steps(names), LOGS):
        return 1
    (LOCAL / "toolchain" / "prepared").touch()
    print(f"Prepared in {time.monotonic() - started:.1f} s.", flush=True)
    if asked.prepare:
        return 0
    if not execute(local_stack.STEPS, LOGS):
        return 1
    print("pulumi up -s local", flush=True)
    try:
        local_stack.deploy()
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    if not execute(local_stack.PICTURE_STEPS, LOGS):
        return 1
    print(f"Deployed after {time.monotonic() - started:.1f} s. What answers now:\n", flush=True)
    try:
        healthy = local_stack.report()
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    if not healthy:
        print("\nNot everything answers: `scripts/store status` says more.", file=sys.stderr)
        return 1
    print(NEXT, end="")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
