"""The embedded cloud's command: ``python -m localcloud start``."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from typing import Any

from localcloud.daemon import backends, control, sources
from localcloud.daemon.home import Asked, DaemonError, Home

RATE_LIMIT = 3600
PORTS = {
    "--cloudflare-port": "serve Cloudflare's API here (default: $LOCALCLOUD_CLOUDFLARE_PORT, the last one, 8471)",
    "--edge-port": "serve host names here, by HTTPS (default: $LOCALCLOUD_EDGE_PORT, the last one)",
    "--edge-http-port": "and here by HTTP (default: $LOCALCLOUD_EDGE_HTTP_PORT, the last one, 8480)",
    "--s3-port": "serve R2 by S3 here (default: $LOCALCLOUD_S3_PORT, the last one)",
}
OLDER_CODE = "It runs older code than lies here"
"""What begins the line that says so."""
NOT_RUNNING = 3
"""Exit status of ``status`` when no daemon runs, as with init scripts."""


def parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(
        prog="python -m localcloud",
        description="Hetzner Cloud and Cloudflare on this machine: their APIs on loopback, with servers that boot.",
        epilog='example:\n  python -m localcloud start && eval "$(python -m localcloud env)" && hcloud server list',
        formatter_class=raw,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--home", help="folder of the state (default: $LOCALCLOUD_HOME, else .local/cloud)")
    words = top.add_subparsers(dest="word", required=True, metavar="COMMAND")

    def add(word: str, help: str, example: str) -> argparse.ArgumentParser:
        text = f"example:\n  python -m localcloud {example}"
        return words.add_parser(word, parents=[common], help=help, description=help, epilog=text, formatter_class=raw)

    start = add("start", "Start the cloud and wait until its API answers.", "start --port 8471 --machines memory")
    start.add_argument(
        "--port", type=int, help="loopback port (default: $LOCALCLOUD_PORT, else the last one, else 8470)"
    )
    start.add_argument(
        "--machines", choices=backends.NAMES, help="what servers are (default: what the last ones were, else nspawn)"
    )
    start.add_argument("--foreground", action="store_true", help="serve in this process until interrupted")
    start.add_argument("--rate-limit", type=int, default=os.environ.get("LOCALCLOUD_RATE_LIMIT", RATE_LIMIT),
                       metavar="N", help="requests an hour (default: $LOCALCLOUD_RATE_LIMIT, else 3600)")  # fmt: skip
    start.add_argument("--zone", action="append", default=[], metavar="NAME",
                       help="serve Cloudflare too, with this zone; may be given again")  # fmt: skip
    start.add_argument("--everything", action="store_true",
                       help="serve edge and S3 too, at 8443 and 8472 where nothing says otherwise")  # fmt: skip
    for option, text in PORTS.items():
        start.add_argument(option, type=int, metavar="PORT", help=text)
    add("stop", "End the cloud, its machines and every trace of them; disks and state stay.", "stop")
    status = add("status", "Say whether the cloud runs; exits with 3 if not.", "status --json")
    status.add_argument("--json", action="store_true", help="print one JSON object")
    add("env", "Print shell exports for the clouds' clients.", 'env   # eval "$(python -m localcloud env)"')
    code = add("access-code", "Print the newest one-time code that a login has sent.", "access-code ada@example.com")
    code.add_argument("email", metavar="EMAIL", help="address that the login is for")
    images = words.add_parser("images", help="Build the images that servers boot from ahead of time.", add_help=False)
    images.add_argument("rest", nargs=argparse.REMAINDER)
    runtime = add("runtime", "Install what Workers run in (workerd) ahead of time.", "runtime install")
    runtime.add_argument("what", choices=["install"], help="prints the program's path")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    asked = parser().parse_args(arguments)
    try:
        status = _run(asked)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read our output has enough; without a stdout Python does not try the rest again.
        sys.stdout = None
        return 0
    except DaemonError as wrong:
        print(f"localcloud: {wrong}", file=sys.stderr)
        return 1
    except OSError as wrong:
        where = f"{wrong.filename}: " if wrong.filename else ""
        print(f"localcloud: {where}{wrong.strerror or wrong}", file=sys.stderr)
        sys.stdout = None
        return 1
    except KeyboardInterrupt:
        return 130


def _run(asked: argparse.Namespace) -> int:
    if asked.word == "images":
        from localcloud.machines.images import main as images

        return images(asked.rest)
    if asked.word == "runtime":
        return _runtime()
    home = Home.of(asked.home)
    match asked.word:
        case "start":
            return _start(home, asked)
        case "stop":
            print(control.stop(home))
        case "env":
            for name, value in _exports(home).items():
                print(f"export {name}={shlex.quote(value)}")
        case "access-code":
            print(_access_code(home, asked.email))
        case "status":
            found = control.status(home)
            print(json.dumps(found, indent=2) if asked.json else _sentence(found))
            return 0 if found["running"] else NOT_RUNNING
    return 0


def _access_code(home: Home, email: str) -> str:
    from localcloud.cloudflare.edge.access.codes import last_code

    code = last_code(home.path, email)
    if code is None:
        raise DaemonError(
            f"no code for {email} in the last ten minutes; ask for one on the login page. "
            "An address that no policy of the application allows gets none"
        )
    return code


def _runtime() -> int:
    from localcloud.cloudflare.runtime import install
    from localcloud.cloudflare.runtime.model import RuntimeFailure

    try:
        print(install.binary(backends.cache()))
    except RuntimeFailure as wrong:
        raise DaemonError(str(wrong)) from None
    return 0


def _exports(home: Home) -> dict[str, str]:
    """What the clients of both clouds read from the environment."""
    from localcloud.common.identity import account_id
    from localcloud.daemon import trust

    port = home.port() if home.running() is None else int(home.last()["port"])
    found = {"HCLOUD_ENDPOINT": f"http://127.0.0.1:{port}/v1", "HCLOUD_TOKEN": home.token()}
    options = home.cloudflare()
    if options is None:
        return found
    token, base = home.cloudflare_token(), f"http://127.0.0.1:{options.port}/client/v4"
    found |= {"CLOUDFLARE_BASE_URL": base, "CLOUDFLARE_API_BASE_URL": base}
    found |= {"CLOUDFLARE_API_TOKEN": token, "CLOUDFLARE_ACCOUNT_ID": account_id(token)}
    return found | trust.exports(home)


def _start(home: Home, asked: argparse.Namespace) -> int:
    if asked.rate_limit < 1:
        raise DaemonError(f"--rate-limit {asked.rate_limit} would answer nobody; give at least 1 request an hour")
    cloudflare = home.cloudflare(
        Asked(asked.cloudflare_port, asked.zone, asked.edge_http_port, asked.edge_port, asked.s3_port, asked.everything)
    )
    # Servers that were only remembered would come back as machines that boot, and the other way round.
    machines = asked.machines or home.last().get("machines") or "nspawn"
    if asked.foreground:
        from localcloud.daemon.serve import serve

        serve(home, home.port(asked.port), machines, asked.rate_limit, cloudflare)
        return 0
    found = control.start(home, asked.port, machines, asked.rate_limit, cloudflare)
    said = "runs already" if found["already"] else "runs"
    print(f"The embedded cloud {said}: http://127.0.0.1:{found['port']}/v1 ({found['machines']} machines, {home.path})")
    if found["already"] and found.get("code") != sources.digest():
        print(f"{OLDER_CODE}; python -m localcloud stop, then the same command again, runs that (the servers stay)")
    print('Next: eval "$(python -m localcloud env)" && hcloud server list')
    return 0


def _sentence(found: dict[str, Any]) -> str:
    if not found["running"]:
        return f"not running ({found['home']}); start it: python -m localcloud start"
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(found["resources"].items())) or "nothing yet"
    state = "runs" if found["answers"] else "is starting"
    where = [found["endpoint"]]
    if "cloudflare" in found:
        where.append(f"Cloudflare {found['cloudflare']['endpoint']}")
    if "edge" in found:
        where.append(f"edge at {found['edge']['https']} and {found['edge']['http']}")
    if "s3" in found:
        where.append(f"S3 {found['s3']['endpoint']}")
    about = f"pid {found['pid']}, {found['memory_mb']} MB, {found['machines']}; {counts}"
    return f"{state}: {', '.join(where)}, {about}"


if __name__ == "__main__":
    sys.exit(main())
