"""Redis 7 as two services on one server.

``durable`` (6379): sessions, queues, workflows, locks. Append-only file, never evicts: BullMQ loses jobs otherwise.
``cache`` (6380): evicts what was used least recently, keeps nothing on disk, may be cleared at any time.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from components.bootstrap import base, files, firewall, kernel, services
from components.bootstrap.host import Host
from components.bootstrap.report import Failure

from .sizes import sizes

DIRECTORY = "/etc/redis"


@dataclass(frozen=True)
class Service:
    name: str
    port: int
    secret: str
    maxmemory: int
    persistence: str
    commands: str
    """ACL categories and commands of the application's user, beside ``+@all -@admin -@dangerous``."""

    @property
    def unit(self) -> str:
        return f"redis-{self.name}.service"


# What BullMQ, ioredis and Medusa's Redis modules use of the commands that Redis calls dangerous: INFO (version and
# maxmemory_policy), CLIENT LIST (BullMQ's workers). Not FLUSHDB, KEYS, CONFIG, DEBUG, SHUTDOWN, REPLICAOF, MONITOR.
DURABLE_COMMANDS = "+info +client|list"
# Clearing is what a cache is for; KEYS is how Medusa's cache module invalidates by pattern.
CACHE_COMMANDS = "+info +client|list +keys +flushdb +flushall"

DURABLE_PERSISTENCE = """\
appendonly yes
appendfsync everysec
no-appendfsync-on-rewrite no
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 64mb
aof-use-rdb-preamble yes
maxmemory-policy noeviction
"""
CACHE_PERSISTENCE = """\
appendonly no
maxmemory-policy allkeys-lru
"""


def apply(host: Host) -> None:
    host.variable("address")
    # The package starts a Redis of its own, on the port of ours and with no password: it never gets to run.
    services.masked(host, "redis-server.service")
    base.apply(host, packages_besides=["redis-server", "redis-tools"])
    expect_redis_7(host)
    # overcommit: without it a fork for the rewrite fails on a server that is half full. nonlocal_bind: the private
    # interface may come up after the service does.
    kernel.sysctl(host, "redis", {"vm.overcommit_memory": 1, "net.ipv4.ip_nonlocal_bind": 1})
    files.directory(host, DIRECTORY, mode=0o750, group="redis")
    memory = sizes(host.memory_bytes)
    both = (
        Service("durable", 6379, "durable_password", memory.durable, DURABLE_PERSISTENCE, DURABLE_COMMANDS),
        Service("cache", 6380, "cache_password", memory.cache, CACHE_PERSISTENCE, CACHE_COMMANDS),
    )
    for service in both:
        configure(host, service)
    clients = host.variable("clients")
    firewall.allow(host, "cache", [firewall.Allow(service.port, clients) for service in both])


def expect_redis_7(host: Host) -> None:
    host.report.begin("Redis version")
    version = host.run(["dpkg-query", "-W", "-f=${Version}", "redis-server"]).stdout
    if not version.startswith("5:7."):
        raise Failure(f"this system's Redis is {version}, not 7", "use the image debian-12 for the Redis server.")
    host.report.ok()


def configure(host: Host, service: Service) -> None:
    operator = operator_password(host, service)
    path = f"{DIRECTORY}/{service.name}"
    config = host.asset("redis.conf").format(
        name=service.name,
        port=service.port,
        address=host.variable("address"),
        maxmemory=service.maxmemory,
        persistence=service.persistence,
    )
    files.file(host, f"{path}.conf", config, mode=0o640, group="redis")
    application = hashed(host.secret(service.secret))
    acl = (
        f"user default on {application} ~* &* +@all -@admin -@dangerous {service.commands}\n"
        f"user operator on {hashed(operator)} ~* &* +@all\n"
    )
    acl_changed = files.file(host, f"{path}.acl", acl, mode=0o640, group="redis", secret=True)
    files.file(host, f"/etc/systemd/system/{service.unit}", host.asset("redis.service").format(name=service.name))
    files.file(
        host,
        f"/usr/local/sbin/redis-{service.name}-cli",
        host.asset("redis-cli.sh").format(name=service.name, address=host.variable("address"), port=service.port),
        mode=0o755,
    )
    watch = (f"{path}.conf", f"/etc/systemd/system/{service.unit}")
    restarted = services.service(host, service.unit, watch=watch)
    load_acl(host, service, f"{path}.acl", already=restarted and acl_changed)


def load_acl(host: Host, service: Service, path: str, already: bool) -> None:
    """Bring a changed ACL file into effect without a restart: a rotated password costs no open connection its data."""
    key, digest = f"{service.unit}.acl", services.files_digest([path])
    host.report.begin(f"passwords of {service.unit}")
    if services.applied(key, digest):
        host.report.ok()
        return
    if not already:
        said = host.run([f"/usr/local/sbin/redis-{service.name}-cli", "ACL", "LOAD"]).stdout.strip()
        if said != "OK":
            raise Failure(f"ACL LOAD said: {said}", f"check {path}; `systemctl restart {service.unit}` reads it anew.")
    services.remember(key, digest)
    host.report.changed("in effect")


def operator_password(host: Host, service: Service) -> str:
    """The password of the user ``operator``, made on this server and kept in a file that only root reads."""
    path = Path(f"{DIRECTORY}/operator-{service.name}.env")
    try:
        password = path.read_text().strip().removeprefix("REDISCLI_AUTH=")
    except FileNotFoundError:
        password = secrets.token_urlsafe(32)
    host.report.hide(password)
    files.file(host, str(path), f"REDISCLI_AUTH={password}\n", mode=0o600, secret=True)
    return password


def hashed(password: str) -> str:
    """A password as an ACL file states it: SHA-256 in hex, so that the file holds no password in clear."""
    return "#" + hashlib.sha256(password.encode()).hexdigest()
