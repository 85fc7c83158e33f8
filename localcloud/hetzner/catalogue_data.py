"""What Hetzner sells, as data. Prices are net EUR a month as of autumn 2026, in the European locations.

They are defaults to plan with, never the truth: prices of lb21 and lb31 and those outside Europe were not to be had and
are the nearest known ones. Ids are the real API's where they are publicly known.
"""

from __future__ import annotations

from dataclasses import dataclass

EU = ("fsn1", "nbg1", "hel1")
US = ("ash", "hil")
SIN = ("sin",)
TB = 1024**4


@dataclass(frozen=True)
class Location:
    id: int
    name: str
    description: str
    country: str
    city: str
    latitude: float
    longitude: float
    network_zone: str
    included_traffic: int
    """Bytes a month that a server or load balancer may send for free."""
    price_per_tb: str


LOCATIONS = (
    Location(
        1, "fsn1", "Falkenstein DC Park 1", "DE", "Falkenstein", 50.47612, 12.370071, "eu-central", 20 * TB, "1.00"
    ),
    Location(2, "nbg1", "Nuremberg DC Park 1", "DE", "Nuremberg", 49.452102, 11.076665, "eu-central", 20 * TB, "1.00"),
    Location(3, "hel1", "Helsinki DC Park 1", "FI", "Helsinki", 60.169855, 24.938379, "eu-central", 20 * TB, "1.00"),
    Location(4, "ash", "Ashburn, VA", "US", "Ashburn, VA", 39.045821, -77.487073, "us-east", TB, "1.00"),
    Location(5, "hil", "Hillsboro, OR", "US", "Hillsboro, OR", 45.54222, -122.951924, "us-west", TB, "1.00"),
    Location(6, "sin", "Singapore", "SG", "Singapore", 1.283333, 103.833333, "ap-southeast", TB // 2, "7.40"),
)


@dataclass(frozen=True)
class ServerType:
    id: int
    name: str
    cores: int
    memory: int
    disk: int
    price: str
    locations: tuple[str, ...]
    gone_from: tuple[str, ...] = ()
    """Locations where it is still listed, but no longer to be ordered since ``GONE``."""
    cpu: str = "shared"
    architecture: str = "x86"
    category: str = "Shared vCPU"


GONE = ("2025-09-24T00:00:00Z", "2025-12-31T00:00:00Z")
"""When the end of the older types was announced, and since when they are unavailable."""


def _family(
    names: str,
    first: int,
    specs: str,
    locations: tuple[str, ...],
    gone: tuple[str, ...] = (),
    category: str = "Cost-Optimized",
    cpu: str = "shared",
    architecture: str = "x86",
) -> list[ServerType]:
    made = []
    for offset, (name, spec) in enumerate(zip(names.split(), specs.split(), strict=True)):
        cores, memory, disk, price = spec.split("/")
        made.append(
            ServerType(
                first + offset,
                name,
                int(cores),
                int(memory),
                int(disk),
                price,
                locations,
                gone,
                cpu,
                architecture,
                category,
            )
        )
    return made


_REGULAR = "Regular Performance"
SERVER_TYPES = (
    *_family("cpx11 cpx21 cpx31 cpx41 cpx51", 22,
             "2/2/40/17.49 3/4/80/31.99 4/8/160/62.49 8/16/240/120.49 16/32/360/237.99", US, (*EU, *SIN),
             category=_REGULAR),
    *_family("cax11 cax21 cax31 cax41", 45, "2/4/40/5.99 4/8/80/10.49 8/16/160/20.99 16/32/320/40.99", EU,
             architecture="arm"),
    *_family("ccx13 ccx23 ccx33 ccx43 ccx53 ccx63", 96,
             "2/8/80/42.99 4/16/160/85.99 8/32/240/138.49 16/64/360/275.99 32/128/600/533.49 48/192/960/853.49",
             (*EU, *US, *SIN), cpu="dedicated", category="General Purpose"),
    *_family("cx22 cx32 cx42 cx52", 104, "2/4/40/3.79 4/8/80/6.80 8/16/160/16.40 16/32/320/32.40", (), EU),
    *_family("cpx12 cpx22 cpx32 cpx42 cpx52 cpx62", 108,
             "1/2/40/11.49 2/4/80/19.49 4/8/160/35.49 8/16/320/69.49 12/24/480/100.49 16/32/640/129.99",
             (*EU, *SIN), category=_REGULAR),
    *_family("cx23 cx33 cx43 cx53", 114, "2/4/40/5.49 4/8/80/8.49 8/16/160/15.99 16/32/320/29.49", EU),
)  # fmt: skip


@dataclass(frozen=True)
class LoadBalancerType:
    id: int
    name: str
    services: int
    targets: int
    certificates: int
    connections: int
    price: str


LOAD_BALANCER_TYPES = (
    LoadBalancerType(1, "lb11", 5, 25, 10, 10_000, "7.49"),
    LoadBalancerType(2, "lb21", 15, 75, 25, 20_000, "16.40"),
    LoadBalancerType(3, "lb31", 30, 150, 50, 40_000, "32.90"),
)


@dataclass(frozen=True)
class SystemImage:
    id: int
    name: str
    flavor: str
    version: str
    description: str
    created: str
    architecture: str = "x86"
    deprecated: str | None = None


IMAGES = (
    SystemImage(
        45557056, "debian-11", "debian", "11", "Debian 11", "2021-08-16T11:12:01Z", "x86", "2026-08-31T00:00:00Z"
    ),
    SystemImage(67794396, "ubuntu-22.04", "ubuntu", "22.04", "Ubuntu 22.04", "2022-04-21T13:32:38Z"),
    SystemImage(103908130, "ubuntu-22.04", "ubuntu", "22.04", "Ubuntu 22.04", "2023-03-20T10:10:04Z", "arm"),
    SystemImage(114690387, "debian-12", "debian", "12", "Debian 12", "2023-06-13T06:00:01Z"),
    SystemImage(114690389, "debian-12", "debian", "12", "Debian 12", "2023-06-13T06:00:02Z", "arm"),
    SystemImage(161547269, "ubuntu-24.04", "ubuntu", "24.04", "Ubuntu 24.04", "2024-04-25T13:26:27Z"),
    SystemImage(161547270, "ubuntu-24.04", "ubuntu", "24.04", "Ubuntu 24.04", "2024-04-25T13:26:51Z", "arm"),
    SystemImage(310557660, "debian-13", "debian", "13", "Debian 13", "2025-08-11T06:00:01Z"),
    SystemImage(310557661, "debian-13", "debian", "13", "Debian 13", "2025-08-11T06:00:02Z", "arm"),
)
IMAGE_DISK_GB = 5
"""Disk that a system image needs at least."""


@dataclass(frozen=True)
class Iso:
    id: int
    name: str
    description: str
    architecture: str | None = "x86"


ISOS = (
    Iso(122630, "debian-12.11.0-amd64-netinst.iso", "Debian 12.11 (amd64/netinstall)"),
    Iso(122631, "debian-12.11.0-arm64-netinst.iso", "Debian 12.11 (arm64/netinstall)", "arm"),
    Iso(124020, "debian-13.1.0-amd64-netinst.iso", "Debian 13.1 (amd64/netinstall)"),
    Iso(8637, "virtio-win-0.1.185.iso", "virtio 0.1.185"),
)

PRICES = {"volume": "0.0572", "image": "0.0143", "ipv4": "0.50", "ipv6": "0.00", "floating_ipv4": "3.00",
          "floating_ipv6": "1.00", "backup_percentage": "20.00", "vat": "19.00"}  # fmt: skip
