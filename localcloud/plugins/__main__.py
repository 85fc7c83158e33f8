"""``python -m localcloud.plugins NAME [ENGINE_ADDRESS]``: serve one provider plugin for the Pulumi engine."""

from __future__ import annotations

import argparse
import importlib
import sys

PLUGINS = {name: f"localcloud.plugins.{name}.provider" for name in ("cloudflare", "command", "hcloud")}


def main(arguments: list[str]) -> None:
    """Parse the command line and serve; each plugin's ``provider`` module has a ``make(engine)``."""
    parser = argparse.ArgumentParser(
        prog="python -m localcloud.plugins",
        description="Serve a stand-in for one of Pulumi's provider plugins: prints its port, then answers the engine "
        "over gRPC on 127.0.0.1 until SIGINT or SIGTERM.",
        epilog="example: python -m localcloud.plugins hcloud",
    )
    parser.add_argument("plugin", choices=sorted(PLUGINS))
    parser.add_argument("engine", nargs="?", metavar="ENGINE_ADDRESS", help="HOST:PORT of the engine's log service")
    # The engine adds flags of its own (tracing, verbosity), of which a plugin is free to take no notice.
    options, _ = parser.parse_known_args(arguments)
    from localcloud.plugins.base.serve import serve  # imported late, so that --help is instant

    serve(importlib.import_module(PLUGINS[options.plugin]).make, options.engine)


if __name__ == "__main__":
    main(sys.argv[1:])
