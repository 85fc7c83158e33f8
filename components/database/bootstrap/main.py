"""PostgreSQL 17 with its data on a volume, for one database and one role, on the private network only."""

from __future__ import annotations

from components.bootstrap import base, files, firewall, kernel
from components.bootstrap.host import Host

from . import cluster, postgres, tuning

PORT = 5432


def apply(host: Host) -> None:
    password = host.secret("password")
    name, user = host.variable("database"), host.variable("user")
    # Before the package: its scripts would make a cluster of their own, on the wrong disk.
    files.directory(host, "/etc/postgresql-common/createcluster.d")
    files.file(host, "/etc/postgresql-common/createcluster.d/store.conf", "create_main_cluster = false\n")
    kernel.mount(host, host.variable("device"), cluster.MOUNT)
    base.apply(host, packages_besides=["postgresql-17", "e2fsprogs"])
    kernel.grow_ext4(host, host.variable("device"), cluster.MOUNT)
    # The private interface may come up after PostgreSQL at boot; without this it would then listen on localhost alone.
    kernel.sysctl(host, "postgresql", {"net.ipv4.ip_nonlocal_bind": 1})
    files.directory(host, cluster.MOUNT, owner="postgres", group="postgres")
    cluster.cluster(host)
    configure(host)
    configuration = (f"{cluster.CONFIG}/conf.d", f"{cluster.CONFIG}/pg_hba.conf")
    cluster.started(host, configuration)
    cluster.configuration_in_effect(host, configuration)
    postgres.role(host, user, password)
    postgres.database(host, name, owner=user)
    for target in ("postgres", name):
        postgres.extension(host, "pg_stat_statements", target)
    firewall.allow(host, "database", [firewall.Allow(PORT, host.variable("clients"))])


def configure(host: Host) -> None:
    machine = tuning.Machine(memory=host.memory_bytes, cpus=host.cpus, volume=cluster.volume_size())
    tuned = "".join(f"{key} = {value}\n" for key, value in tuning.settings(machine).items())
    files.directory(host, f"{cluster.CONFIG}/conf.d", mode=0o755, owner="postgres", group="postgres")
    config = host.asset("postgresql.conf") + "\n# From this server's memory, processors and volume.\n" + tuned
    files.file(host, f"{cluster.CONFIG}/conf.d/50-store.conf", config, mode=0o640, owner="postgres", group="postgres")
    hba = host.asset("pg_hba.conf")
    files.file(host, f"{cluster.CONFIG}/pg_hba.conf", hba, mode=0o640, owner="postgres", group="postgres")
