"""Plug a rebooting machine's interfaces in again: ``python -m localcloud.machines.boot HOME CACHE SERVER``.

Run by the machine's supervisor between two boots, also while no daemon runs.
"""

from __future__ import annotations

import sys
from pathlib import Path

from localcloud.machines import network, record
from localcloud.machines.instance import load
from localcloud.machines.interface import MachineError


def main(arguments: list[str]) -> int:
    home, cache, server = arguments
    instance = load(Path(home), Path(cache))
    folder = instance.server_folder(int(server))
    try:
        with record.locked(folder):
            network.plug_server(instance, record.read(folder))
    except MachineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
