"""``python -m localcloud.cloudflare.edge``: the edge until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from localcloud.cloudflare.edge.service import Service, Settings
from localcloud.cloudflare.runtime.model import RuntimeFailure


async def serve(settings: Settings, *, follow: bool) -> None:
    """Serve until SIGTERM or SIGINT; says on standard output once everything listens.

    ``follow``: also ends when standard input does, and so with the process that holds its other end.
    """
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    if follow:
        loop.add_reader(sys.stdin.fileno(), done.set)
    service = Service(settings)
    running = asyncio.create_task(service.run(done))
    listening = asyncio.create_task(service.listening())
    await asyncio.wait((running, listening), return_when=asyncio.FIRST_COMPLETED)
    if listening.done():
        print("listening", flush=True)
    listening.cancel()
    await running


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m localcloud.cloudflare.edge",
        description="Answer for host names on loopback; what to serve comes over HOME/edge/control.sock.",
        epilog="Example: python -m localcloud.cloudflare.edge --home .local/cloud --cache ~/.cache/localcloud",
    )
    parser.add_argument("--home", type=Path, required=True, help="folder of the embedded cloud's state")
    parser.add_argument("--cache", type=Path, required=True, help="folder that homes share (workerd is installed here)")
    parser.add_argument("--http-port", type=int, default=8480)
    parser.add_argument("--https-port", type=int, default=8443)
    parser.add_argument("--r2-socket", type=Path, help="Unix socket that answers for R2 bindings (none: refuse them)")
    parser.add_argument("--content-socket", type=Path, help="Unix socket that serves pictures and public buckets")
    parser.add_argument("--follow", action="store_true", help="end when standard input ends")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    settings = Settings(
        options.home, options.cache, options.http_port, options.https_port, r2_socket=options.r2_socket,
        content_socket=options.content_socket,
    )  # fmt: skip
    try:
        asyncio.run(serve(settings, follow=options.follow))
    except RuntimeFailure as error:
        print(error, file=sys.stderr)
        return 1
    except ExceptionGroup as group:
        refused, other = group.split(OSError)
        if refused is None or other is not None:
            raise
        print(f"The edge cannot listen: {refused.exceptions[0]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
