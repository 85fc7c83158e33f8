"""The ports of a daemon, and which of them others have: said of all at once, before anything is done."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from localcloud.daemon.home import CloudflareOptions, DaemonError
from localcloud.daemon.sockets import listen


@dataclass(frozen=True)
class Port:
    """One port, what it is for, and what chooses another."""

    number: int
    purpose: str
    option: str
    variable: str


def of(port: int, cloudflare: CloudflareOptions | None) -> list[Port]:
    """Every port that a daemon with these options listens on."""
    found = [Port(port, "Hetzner's API", "--port", "LOCALCLOUD_PORT")]
    if cloudflare is None:
        return found
    found.append(Port(cloudflare.port, "Cloudflare's API", "--cloudflare-port", "LOCALCLOUD_CLOUDFLARE_PORT"))
    if cloudflare.edge:
        http, https = cloudflare.edge
        found.append(Port(http, "the edge by HTTP", "--edge-http-port", "LOCALCLOUD_EDGE_HTTP_PORT"))
        found.append(Port(https, "the edge by HTTPS", "--edge-port", "LOCALCLOUD_EDGE_PORT"))
    if cloudflare.s3:
        found.append(Port(cloudflare.s3, "R2 by S3", "--s3-port", "LOCALCLOUD_S3_PORT"))
    return found


def check(ports: list[Port]) -> None:
    """Raise :class:`DaemonError` naming each port that cannot be had."""
    wrong = [said for port in ports if (said := _refused(port))]
    for number, times in Counter(port.number for port in ports).items():
        if times > 1:
            options = " and ".join(port.option for port in ports if port.number == number)
            wrong.append(f"port {number} is asked for by {options}; give each a port of its own")
    if wrong:
        raise DaemonError("\n".join(wrong))


def _refused(port: Port) -> str:
    try:
        listen(port.number, port.option, f"{port.purpose}; or set {port.variable}").close()
    except DaemonError as error:
        return str(error)
    return ""
