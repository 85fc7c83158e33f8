"""Try machines by hand, without the cloud's API: the same driver with a state file of its own.

    python -m localcloud.machines.lab create web --user-data first-boot.yaml --private 10.0.2.10
    python -m localcloud.machines.lab ssh web -- hostname
    python -m localcloud.machines.lab delete web
    python -m localcloud.machines.lab stop

A private network 10.0.0.0/16 is there. State and disks are in ``$LOCALCLOUD_HOME``, default ``.local/lab``.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from localcloud.machines import images
from localcloud.machines.driver import NspawnMachines
from localcloud.machines.interface import Desired, MachineError, NetworkSpec, PrivateNic, ServerSpec

NETWORK = NetworkSpec(1, IPv4Network("10.0.0.0/16"), name="lab")
Entry = dict[str, Any]


class Lab:
    """The lab's servers by name, kept in ``lab.json``, and the machines behind them."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self.home.mkdir(parents=True, exist_ok=True)
        self.machines = NspawnMachines(self.home, images.default_cache())
        self._path = self.home / "lab.json"
        self.servers: dict[str, Entry] = json.loads(self._path.read_text()) if self._path.exists() else {}

    @property
    def key(self) -> Path:
        """The private key that opens root's account."""
        path = self.home / "id_ed25519"
        if not path.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
        return path

    def save(self) -> None:
        self._path.write_text(json.dumps(self.servers, indent=1))

    def spec(self, name: str) -> ServerSpec:
        entry = self.servers[name]
        return ServerSpec(
            id=entry["id"], name=name, image=entry["image"], cores=2, memory_gib=entry["memory"], disk_gb=40,
            user_data=entry["user_data"], ssh_keys=(self.key.with_suffix(".pub").read_text().strip(),),
            public_ipv4=IPv4Address(entry["address"]),
        )  # fmt: skip

    def nics(self, name: str) -> list[PrivateNic]:
        entry = self.servers[name]
        if not entry["private"]:
            return []
        return [PrivateNic(NETWORK.id, IPv4Address(entry["private"]), f"86:00:00:00:00:{entry['id']:02x}")]

    def up(self) -> None:
        """Start what is not running."""
        self.machines.start(
            Desired(
                networks=[NETWORK],
                servers=[self.spec(name) for name in self.servers],
                running=frozenset(entry["id"] for entry in self.servers.values()),
                nics={self.servers[name]["id"]: self.nics(name) for name in self.servers},
            )
        )

    def create(self, name: str, image: str, user_data: str, private: str, memory: float) -> Entry:
        if name in self.servers:
            raise MachineError(
                f"server {name!r} exists; delete it first: python -m localcloud.machines.lab delete {name}"
            )
        number = max((entry["id"] for entry in self.servers.values()), default=0) + 1
        self.up()
        address = str(self.machines.public_ipv4_pool[9 + number])
        self.servers[name] = {"id": number, "image": image, "user_data": user_data, "address": address,
                              "private": private, "memory": memory}  # fmt: skip
        self.machines.create_server(self.spec(name))
        self.save()
        for nic in self.nics(name):
            self.machines.attach_network(number, nic)
        _await_ssh(address)
        return self.servers[name]

    def delete(self, name: str) -> None:
        entry = self.servers.pop(name, None)
        if entry is None:
            raise MachineError(f"there is no server {name!r}: there are {', '.join(sorted(self.servers)) or 'none'}")
        self.machines.delete_server(entry["id"])
        self.save()

    def ssh_command(self, name: str, command: list[str]) -> list[str]:
        if name not in self.servers:
            raise MachineError(f"there is no server {name!r}: there are {', '.join(sorted(self.servers)) or 'none'}")
        return ["ssh", "-q", "-i", str(self.key),
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                f"root@{self.servers[name]['address']}", *command]  # fmt: skip


def _await_ssh(address: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((address, 22), timeout=1.0) as connection:
                connection.settimeout(2.0)
                if connection.recv(4) == b"SSH-":
                    return
        except OSError:
            time.sleep(0.05)
    raise MachineError(f"{address} does not answer SSH within {seconds:.0f} s")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m localcloud.machines.lab", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="make and boot a server")
    create.add_argument("name")
    create.add_argument("--image", default="debian-13")
    create.add_argument("--user-data", type=Path)
    create.add_argument("--private", default="", metavar="ADDRESS", help="address in 10.0.0.0/16")
    create.add_argument("--memory", type=float, default=4.0, help="GiB (default 4)")
    ssh = commands.add_parser("ssh", help="log in as root, or run a command")
    ssh.add_argument("name")
    ssh.add_argument("words", nargs=argparse.REMAINDER)
    commands.add_parser("delete", help="delete a server").add_argument("name")
    commands.add_parser("list", help="servers and their addresses")
    commands.add_parser("stop", help="end everything; disks stay")
    options = parser.parse_args(arguments)
    lab = Lab(Path(os.environ.get("LOCALCLOUD_HOME", ".local/lab")))
    try:
        if options.command == "create":
            user_data = options.user_data.read_text() if options.user_data else ""
            entry = lab.create(options.name, options.image, user_data, options.private, options.memory)
            print(json.dumps({key: value for key, value in entry.items() if key != "user_data"}))
        elif options.command == "ssh":
            command = lab.ssh_command(options.name, [word for word in options.words if word != "--"])
            os.execvp(command[0], command)
        elif options.command == "delete":
            lab.delete(options.name)
        elif options.command == "list":
            for name, entry in lab.servers.items():
                print(name, entry["address"], entry["private"])
        else:
            lab.machines.stop()
    except (MachineError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
