"""A Medusa instance without a release: everything that is the same whichever release it serves.

The release and Medusa's environment come afterwards, by `store-release` (see store_release/cli.py), so that neither a
deploy nor a changed secret runs this role.
"""

from __future__ import annotations

from collections.abc import Sequence

from components.bootstrap import accounts, base, files, firewall, kernel, services
from components.bootstrap.host import Host

from . import origin
from .memory import share

UNITS = "/etc/systemd/system"
HAPROXY = "/etc/haproxy/haproxy.cfg"
RELEASES_MAP = "/etc/haproxy/releases.map"
PROXY_PORT = 8000


def apply(host: Host) -> None:
    # The package would start a proxy with Debian's example configuration.
    base.apply(host, packages_besides=["haproxy", "python3-psycopg2", "zstd"])
    # The private interface may come up after the proxy does.
    kernel.sysctl(host, "medusa", {"net.ipv4.ip_nonlocal_bind": 1, "net.core.somaxconn": 4096})
    accounts.user(host, "medusa", home="/var/lib/medusa")
    accounts.user(host, "medusa-ready")
    files.directory(host, "/etc/medusa", mode=0o700)
    files.directory(host, "/var/lib/medusa", mode=0o750, owner="medusa", group="medusa")
    files.directory(host, "/var/lib/store-release", mode=0o700)
    files.directory(host, "/opt/medusa")
    files.directory(host, "/opt/medusa/releases")
    commands(host)
    readiness(host)
    medusa(host)
    proxy(host)
    firewall.allow(host, "medusa", [firewall.Allow(PROXY_PORT, [f"{host.variable('balancer')}/32"])])


def commands(host: Host) -> None:
    program(host, "store-release", "store_release", ("__init__", "activate", "cli", "common", "install", "medusa"))
    files.file(host, "/usr/local/sbin/store-release", host.asset("store-release.sh"), mode=0o755)
    files.file(host, "/usr/local/sbin/store-drain", host.asset("store_drain.py"), mode=0o755)
    files.file(host, "/usr/local/sbin/medusa", host.asset("medusa.sh"), mode=0o755)


def readiness(host: Host) -> None:
    unit = f"{UNITS}/medusa-ready.service"
    modules = program(host, "medusa-ready", "medusa_ready", ("__init__", "checks", "service"))
    files.file(host, unit, host.asset("medusa-ready.service"))
    services.service(host, "medusa-ready.service", watch=(*modules, unit))


def program(host: Host, name: str, package: str, modules: Sequence[str]) -> list[str]:
    """A folder that Python runs, with one package in it; the paths of its files."""
    folder = f"/usr/local/lib/{name}"
    files.directory(host, folder)
    files.directory(host, f"{folder}/{package}")
    sources = {f"{folder}/{package}/{module}.py": f"{package}/{module}.py" for module in modules}
    sources[f"{folder}/__main__.py"] = f"{package}/start.py"
    for path, source in sources.items():
        files.file(host, path, host.asset(source))
    return list(sources)


def medusa(host: Host) -> None:
    """The units, enabled; `store-release activate` starts them and restarts them when a unit's text changed."""
    memory = share(host.memory_bytes)
    for name, process in (("medusa", memory.server), ("medusa-worker", memory.worker)):
        text = host.asset(f"{name}.service").format(heap_mib=process.heap_mib, memory_mib=process.limit_mib)
        files.file(host, f"{UNITS}/{name}.service", text)
        host.report.begin(f"unit {name}")
        enabled = host.run(["systemctl", "is-enabled", "--quiet", name], check=False).returncode == 0
        if enabled:
            host.run(["systemctl", "daemon-reload"])
            host.report.ok()
        else:
            host.run(["systemctl", "enable", "--quiet", name])
            host.report.changed("enabled")


def proxy(host: Host) -> None:
    host.report.begin("release shown by the proxy")
    try:
        with open(RELEASES_MAP, "x") as file:
            file.write("9000 none\n")
        host.report.changed("none yet")
    except FileExistsError:
        host.report.ok()
    drop_in = f"{UNITS}/haproxy.service.d/store.conf"
    files.directory(host, f"{UNITS}/haproxy.service.d")
    files.file(host, drop_in, host.asset("haproxy.conf"))
    origin.stored(host)
    files.file(host, HAPROXY, host.asset("haproxy.cfg"), check=("haproxy", "-c", "-q", "-f", "{}"))
    restarted = services.service(host, "haproxy.service", watch=(drop_in,))
    host.report.begin("proxy configuration")
    digest = services.files_digest([HAPROXY])
    if services.applied("haproxy.cfg", digest):
        host.report.ok()
        origin.in_effect(host)
        return
    if not restarted:
        origin.told(host)
        # A reload hands the listening socket over: no connection is refused.
        services.start(host, "reload", "haproxy.service")
    services.remember("haproxy.cfg", digest)
    host.report.changed("in effect")
