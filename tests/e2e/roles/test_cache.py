"""Redis' role on a booted Debian 12 machine. Tests run in order: the server goes through its life."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from localcloud.machines.interface import ServerSpec
from tests.e2e.roles.servers import MEDUSA_SUBNET, Run, Site

ADDRESS = "10.0.3.10"
DURABLE, CACHE, ROTATED = "password-of-the-durable-one", "password-of-the-cache-one", "rotated-password-of-durable"


@dataclass
class Redis:
    site: Site
    server: ServerSpec
    durable: str = DURABLE

    def run(self) -> Run:
        variables = {"address": ADDRESS, "clients": [MEDUSA_SUBNET]}
        secrets = {"durable_password": self.durable, "cache_password": CACHE}
        return self.site.role(self.server, "cache", variables, secrets)

    def application(self, port: int, password: str, command: str) -> str:
        """What Medusa would be answered."""
        script = f"read -r REDISCLI_AUTH; export REDISCLI_AUTH; redis-cli -h {ADDRESS} -p {port} {command} 2>&1"
        return self.site.ssh(self.server, script, stdin=f"{password}\n")

    def operator(self, service: str, command: str) -> str:
        return self.site.ssh(self.server, f"sudo redis-{service}-cli {command}")


@pytest.fixture(scope="module")
def redis(site: Site) -> Redis:
    return Redis(site, site.server("redis", ADDRESS, image="debian-12", memory_gib=4.0))


def test_first_run_makes_it_and_second_changes_nothing(redis: Redis) -> None:
    """A role that changes something in each run restarts Redis at each `pulumi up`."""
    first = redis.run()
    assert first.code == 0, first.output
    assert DURABLE not in first.output and CACHE not in first.output
    second = redis.run()
    assert second.code == 0 and second.last_line.startswith("0 changed, "), second.output


def test_redis_7_and_nothing_else_listens(redis: Redis) -> None:
    """The package's own service has no password, and BullMQ is tested against Redis 7."""
    assert "redis_version:7." in redis.operator("durable", "INFO server")
    listening = redis.site.ssh(redis.server, "ss -ltnH | awk '{print $4}' | sort").split()
    assert [place for place in listening if not place.endswith(":22")] == [f"{ADDRESS}:6379", f"{ADDRESS}:6380"]


def test_durable_never_evicts_and_cache_always_does(redis: Redis) -> None:
    """BullMQ loses jobs when Redis evicts; a cache that refuses writes takes the store down."""
    assert "maxmemory_policy:noeviction" in redis.application(6379, DURABLE, "INFO memory")
    assert "maxmemory_policy:allkeys-lru" in redis.application(6380, CACHE, "INFO memory")
    assert "aof_enabled:1" in redis.application(6379, DURABLE, "INFO persistence")
    assert "aof_enabled:0" in redis.application(6380, CACHE, "INFO persistence")
    limits = [int(redis.operator(one, "CONFIG GET maxmemory").split()[1]) for one in ("durable", "cache")]
    assert all(limits) and sum(limits) < 3.6 * 1024**3


def test_clearing_the_cache_cannot_touch_sessions(redis: Redis) -> None:
    """`FLUSHDB` is in the operations guide; on the wrong Redis it would log everybody out and drop every job."""
    assert redis.application(6379, DURABLE, "SET session kept") == "OK"
    assert redis.application(6380, CACHE, "SET product cached") == "OK"
    assert redis.application(6380, CACHE, "FLUSHDB") == "OK"
    assert redis.application(6380, CACHE, "EXISTS product") == "0"
    assert redis.application(6379, DURABLE, "GET session") == "kept"
    assert "NOPERM" in redis.application(6379, DURABLE, "FLUSHALL")


@pytest.mark.parametrize(
    "command", ["CONFIG GET requirepass", "SHUTDOWN NOSAVE", "REPLICAOF 10.0.1.11 6379", "ACL LIST", "MONITOR"]
)
@pytest.mark.parametrize(("port", "password"), [(6379, DURABLE), (6380, CACHE)])
def test_the_application_cannot_administer(redis: Redis, port: int, password: str, command: str) -> None:
    """Whoever takes over a Medusa instance must not take over the Redis server as well (CONFIG SET dir, MODULE)."""
    assert "NOPERM" in redis.application(port, password, command)


def test_each_service_has_its_own_password(redis: Redis) -> None:
    """A cache's password lies in more places than that of the sessions."""
    assert "NOAUTH" in redis.site.ssh(redis.server, f"redis-cli -h {ADDRESS} PING 2>&1")
    assert "WRONGPASS" in redis.application(6379, CACHE, "PING")


def test_only_the_medusa_subnet_reaches_it(redis: Redis) -> None:
    """Provider firewalls do not filter private networks: any server in it would reach an open port."""
    medusa = redis.site.server("medusa-1", "10.0.1.11")
    stranger = redis.site.server("stranger", "10.0.2.77")
    for port in (6379, 6380):
        assert redis.site.reachable(medusa, ADDRESS, port)
        assert not redis.site.reachable(stranger, ADDRESS, port)


def test_no_password_in_clear_on_the_server(redis: Redis) -> None:
    """Configuration files are copied into tickets and backups."""
    places = "/etc /var/log/apt /var/lib/store-bootstrap /home /run/systemd/system"
    found = redis.site.ssh(redis.server, f"sudo grep -rl -e {DURABLE} -e {CACHE} {places}", check=False)
    assert found == ""
    # What the tests themselves typed into sudo and SSH is not meant.
    said = redis.site.ssh(redis.server, "sudo journalctl --no-pager | grep -v -e sudo -e sshd")
    assert DURABLE not in said and CACHE not in said
    modes = redis.site.ssh(
        redis.server, "sudo stat -c '%a %U:%G' /etc/redis/durable.acl /etc/redis/operator-durable.env"
    )
    assert modes.splitlines() == ["640 root:redis", "600 root:root"]


def test_password_rotates_without_a_restart(redis: Redis) -> None:
    """A rotation that restarts Redis drops every connection of every instance at once."""
    before = redis.site.ssh(redis.server, "systemctl show -P MainPID redis-durable")
    redis.durable = ROTATED
    run = redis.run()
    assert run.code == 0 and len(run.changes) == 2, run.output
    assert redis.application(6379, ROTATED, "PING") == "PONG"
    assert "WRONGPASS" in redis.application(6379, DURABLE, "PING")
    assert redis.site.ssh(redis.server, "systemctl show -P MainPID redis-durable") == before


def test_sessions_survive_a_power_cut_and_the_cache_does_not(redis: Redis) -> None:
    """appendfsync everysec loses one second at most; a reboot must not need a person."""
    redis.operator("cache", "SET product cached")
    # WAITAOF comes with 7.2 only: a rewrite that ended means that everything before it is on the disk.
    redis.operator("durable", "BGREWRITEAOF")
    wait = "until sudo redis-durable-cli INFO persistence | grep -q aof_rewrite_in_progress:0; do sleep 0.1; done; sync"
    redis.site.ssh(redis.server, wait)
    redis.site.power_cycle(redis.server, replace(redis.server))
    up = "until sudo redis-durable-cli PING && sudo redis-cache-cli PING; do sleep 0.2; done"
    redis.site.ssh(redis.server, f"timeout 60 bash -c '{up}'")
    assert redis.application(6379, ROTATED, "GET session") == "kept"
    assert redis.application(6380, CACHE, "EXISTS product") == "0"
    assert redis.run().last_line.startswith("0 changed, ")
