"""The database cluster on the volume: made once, adopted by every later server, never overwritten."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

from components.bootstrap import files, services
from components.bootstrap.host import Host
from components.bootstrap.report import Failure

from .postgres import psql

VERSION = "17"
NAME = "main"
MOUNT = "/var/lib/postgresql"
DATA = f"{MOUNT}/{VERSION}/{NAME}"
CONFIG = f"/etc/postgresql/{VERSION}/{NAME}"
UNIT = f"postgresql@{VERSION}-{NAME}.service"


def cluster(host: Host) -> bool:
    """A cluster whose data is on the volume and whose configuration is on this server's disk."""
    host.report.begin(f"cluster {VERSION}/{NAME}")
    files_there, data_there = os.path.exists(f"{CONFIG}/postgresql.conf"), os.path.exists(f"{DATA}/PG_VERSION")
    if data_there:
        own(host)
    if files_there and data_there:
        return host.report.ok()
    if files_there:
        raise Failure(
            f"this server knows a cluster, but its data is not at {DATA}",
            "attach the volume that holds it. Only if the database is really to start empty: "
            f"`sudo rm -r {CONFIG}` on the server, then run again.",
        )
    others = sorted(path.parent.parent.name for path in Path(MOUNT).glob("*/*/PG_VERSION"))
    if others and not data_there:
        raise Failure(
            f"the volume holds data of PostgreSQL {', '.join(others)}, not of {VERSION}",
            "upgrade it (pg_upgradecluster) or attach the right volume; nothing was changed.",
        )
    if data_there:
        adopt(host)
        return host.report.changed("adopted the data on the volume")
    host.report.progress("creating the database cluster")
    host.run(
        ["pg_createcluster", "--port", "5432", "--encoding", "UTF8", VERSION, NAME, "--",
         "--data-checksums", "--auth-local=peer", "--auth-host=scram-sha-256",
         # The built-in provider sorts the same for ever: indexes stay valid on a volume that moves to a system with
         # another C library, where the system's own collations would silently corrupt them.
         "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
    )  # fmt: skip
    return host.report.changed("created")


def adopt(host: Host) -> None:
    """Make the configuration for data that is there already; the data directory is left as it is.

    pg_createcluster takes configuration files that it finds beside the data to /etc/postgresql. Those of the earlier
    server went with its disk, so that PostgreSQL's samples take their place; this role's own settings follow.
    """
    for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
        sample = Path(f"/usr/share/postgresql/{VERSION}/{name}.sample")
        user = pwd.getpwnam("postgres")
        files.write_atomically(Path(DATA) / name, sample.read_bytes(), 0o600, user.pw_uid, user.pw_gid)
    host.run(["pg_createcluster", "--port", "5432", VERSION, NAME])


def own(host: Host) -> None:
    """Another server may have given the user postgres another number."""
    user = pwd.getpwnam("postgres")
    if os.stat(DATA).st_uid == user.pw_uid:
        return
    for folder, _, names in os.walk(f"{MOUNT}/{VERSION}"):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    host.report.changed(f"data handed to user number {user.pw_uid}")


def started(host: Host, configuration: tuple[str, ...]) -> None:
    """The cluster runs, also after a reboot, and never on the empty directory below an absent volume."""
    drop_in = f"/etc/systemd/system/{UNIT}.d"
    files.directory(host, drop_in)
    files.file(host, f"{drop_in}/store.conf", host.asset("postgresql-unit.conf"))
    services.service(host, "postgresql.service")
    if services.service(host, UNIT):
        # It has just read all of its files.
        services.remember(UNIT, services.files_digest(configuration))


def configuration_in_effect(host: Host, paths: tuple[str, ...]) -> bool:
    """Reload when a file changed; restart only if one of the changed settings needs it."""
    host.report.begin("PostgreSQL configuration")
    digest = services.files_digest(paths)
    if services.applied(UNIT, digest):
        return host.report.ok()
    faults = psql(
        host,
        "SELECT sourcefile || ' line ' || sourceline || ': ' || error FROM pg_file_settings "
        "WHERE error IS NOT NULL AND error <> 'setting could not be applied'"
        " UNION ALL SELECT file_name || ' line ' || line_number || ': ' || error FROM pg_hba_file_rules"
        " WHERE error IS NOT NULL;",
    )
    if faults:
        raise Failure(f"the configuration has errors: {faults}", "the server still runs with the one from before.")
    services.start(host, "reload", UNIT)
    pending = pending_restart(host)
    if pending:
        host.report.progress(f"restarting PostgreSQL for {pending}")
        services.start(host, "restart", UNIT)
    services.remember(UNIT, digest)
    return host.report.changed(f"restarted for {pending}" if pending else "reloaded")


def pending_restart(host: Host) -> str:
    """Names of settings whose new value waits for a restart; a reload takes effect a moment after it was asked for."""
    return psql(
        host,
        "SELECT pg_reload_conf() \\g /dev/null\n"
        "SELECT pg_sleep(0.2) \\g /dev/null\n"
        "SELECT string_agg(name, ', ' ORDER BY name) FROM pg_settings WHERE pending_restart;",
    )


def volume_size() -> int:
    """Bytes of the file system that the data is on."""
    return shutil.disk_usage(MOUNT).total
