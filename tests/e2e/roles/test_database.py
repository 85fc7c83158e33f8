"""PostgreSQL's role on booted Debian 13 machines. Tests run in order: the server goes through its life."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from localcloud.machines.interface import ServerSpec, VolumeSpec
from tests.e2e.roles.servers import MEDUSA_SUBNET, Run, Site

ADDRESS = "10.0.2.10"
FIRST, SECOND = "first-password-of-the-database", "second-password-of-the-database"
VOLUME, BLANK = 7001, 7002


@dataclass
class Database:
    site: Site
    server: ServerSpec
    password: str = FIRST

    def run(self, **changes: Any) -> Run:
        variables = {
            "address": ADDRESS,
            "clients": [MEDUSA_SUBNET],
            "database": "medusa-staging",
            "device": f"/dev/disk/by-id/scsi-0HC_Volume_{VOLUME}",
            "user": "medusa",
        }
        return self.site.role(self.server, "database", variables | changes, {"password": self.password})

    def sql(self, statement: str, database: str = "medusa-staging") -> str:
        return self.site.ssh(self.server, f"sudo -u postgres psql -XAtq -d {database}", stdin=statement)

    def login(self, password: str, *, host: str = "127.0.0.1", database: str = "medusa-staging") -> str:
        return f"PGPASSWORD={password} psql -XAtq -h {host} -U medusa -d {database} -c 'SELECT 1'"

    def setting(self, name: str) -> int:
        """A setting's value in bytes."""
        return int(self.sql(f"SELECT pg_size_bytes(current_setting('{name}'))"))


@pytest.fixture(scope="module")
def database(site: Site) -> Database:
    server = site.server("postgres", ADDRESS, memory_gib=8.0)
    site.lab.machines.create_volume(VolumeSpec(VOLUME, 10, "ext4"))
    site.lab.machines.attach_volume(VOLUME, server.id)
    site.lab.machines.create_volume(VolumeSpec(BLANK, 10, None))
    site.lab.machines.attach_volume(BLANK, server.id)
    return Database(site, server)


def test_a_volume_without_file_system_is_never_formatted(database: Database) -> None:
    """A volume attached by mistake, or one whose file system is not seen, must not lose its content."""
    failed = database.run(device=f"/dev/disk/by-id/scsi-0HC_Volume_{BLANK}")
    assert failed.code == 1
    assert 'FAILED at step "mount /var/lib/postgresql"' in failed.output
    assert "holds no file system" in failed.output and "What to do:" in failed.output
    assert "Traceback" not in failed.output
    first_bytes = f"sudo head -c 65536 /dev/disk/by-id/scsi-0HC_Volume_{BLANK} | tr -d '\\0' | wc -c"
    assert database.site.ssh(database.server, first_bytes) == "0"


def test_first_run_makes_it_and_second_changes_nothing(database: Database) -> None:
    """A role that changes something in each run restarts the database at each `pulumi up`."""
    first = database.run()
    assert first.code == 0, first.output
    assert FIRST not in first.output
    second = database.run()
    assert second.code == 0 and second.last_line.startswith("0 changed, "), second.output


def test_data_lies_on_the_volume_with_checksums(database: Database) -> None:
    """Data on the server's own disk goes with the server."""
    # Device numbers: that of the file system the data is on, and that of the volume.
    of_data = database.site.ssh(database.server, "sudo stat -c %Hd:%Ld /var/lib/postgresql/17/main/PG_VERSION")
    of_volume = database.site.ssh(database.server, f"stat -Lc %Hr:%Lr /dev/disk/by-id/scsi-0HC_Volume_{VOLUME}")
    assert of_data == of_volume
    assert database.sql("SHOW data_directory; SHOW data_checksums;") == "/var/lib/postgresql/17/main\non"
    assert database.sql("SHOW server_version").startswith("17.")


def test_tuned_from_the_servers_memory(database: Database) -> None:
    """PostgreSQL's defaults use 128 MB of an 8 GB server."""
    assert 1.9 * 1024**3 < database.setting("shared_buffers") <= 2 * 1024**3
    assert 150 <= int(database.sql("SHOW max_connections")) <= 200


def test_observed(database: Database) -> None:
    """Without these nobody can say at night which query is slow."""
    database.sql("SELECT pg_sleep(0.6) /* slow on purpose */")
    assert int(database.sql("SELECT count(*) FROM pg_stat_statements")) > 0
    assert "slow on purpose" in database.site.ssh(database.server, "sudo journalctl -t postgres --no-pager -g duration")


def test_only_the_medusa_subnet_reaches_it(database: Database) -> None:
    """Provider firewalls do not filter private networks: any server in it would reach an open port."""
    site = database.site
    medusa = site.server("medusa-1", "10.0.1.11")
    stranger = site.server("stranger", "10.0.3.77")
    assert site.reachable(medusa, ADDRESS, 5432)
    assert not site.reachable(stranger, ADDRESS, 5432)
    assert not site.reachable(medusa, str(database.server.public_ipv4), 5432)


def test_only_its_role_and_database_are_let_in(database: Database) -> None:
    """One leaked password must not open every database, nor from everywhere."""
    site, server = database.site, database.server
    assert site.ssh(server, database.login(FIRST)) == "1"
    assert "password authentication failed" in site.refused(server, database.login("wrong-password"))
    assert "no pg_hba.conf entry" in site.refused(server, database.login(FIRST, database="postgres"))
    # Its own private address is not in Medusa's subnet.
    assert "no pg_hba.conf entry" in site.refused(server, database.login(FIRST, host=ADDRESS))


def test_password_rotates_by_configuration(database: Database) -> None:
    """A rotation that restarts the database, or leaves the old password valid, is none."""
    started = database.sql("SELECT pg_postmaster_start_time()")
    database.password = SECOND
    run = database.run()
    assert run.code == 0 and [line.split(":")[0] for line in run.changes] == ["changed  database role medusa"], (
        run.output
    )
    assert database.site.ssh(database.server, database.login(SECOND)) == "1"
    assert "password authentication failed" in database.site.refused(database.server, database.login(FIRST))
    assert database.sql("SELECT pg_postmaster_start_time()") == started


def test_no_password_in_any_log(database: Database) -> None:
    """Logs are read by more people, and kept longer, than secrets should be."""
    # What the tests themselves typed into sudo and SSH is not meant.
    said = database.site.ssh(database.server, "sudo journalctl --no-pager | grep -v -e sudo -e sshd")
    assert FIRST not in said and SECOND not in said
    places = "/var/log/postgresql /var/log/apt /var/lib/store-bootstrap /etc /home"
    assert database.site.ssh(database.server, f"sudo grep -rlE '{FIRST}|{SECOND}' {places}", check=False) == ""
    statements = database.sql(
        f"SELECT query FROM pg_stat_statements WHERE query ~ '{FIRST}|{SECOND}|SCRAM-SHA-256.4096'"
    )
    assert statements == ""


def test_an_enlarged_volume_shows_in_the_file_system(database: Database) -> None:
    """Somebody pays for a larger volume because the disk is full, and it stays full."""
    size = "df -B1 --output=size /var/lib/postgresql | tail -1"
    before = int(database.site.ssh(database.server, size))
    database.site.lab.machines.resize_volume(VOLUME, 14)
    run = database.run(volume_size=14)
    assert run.code == 0 and any("grown from 10 to 15 GB" in line for line in run.changes), run.output
    assert int(database.site.ssh(database.server, size)) > before * 1.35
    assert database.run(volume_size=14).last_line.startswith("0 changed, ")


def test_up_by_itself_after_a_power_cut_and_smaller_after_a_change_of_type(database: Database) -> None:
    """A database that waits for a person after a reboot is an outage; one tuned for more memory than there is, too."""
    database.sql("CREATE TABLE kept (n int); INSERT INTO kept VALUES (42);")
    database.site.power_cycle(database.server, replace(database.server, memory_gib=2.0))
    up = "until pg_isready -q -h 127.0.0.1; do sleep 0.2; done; ss -ltnH 'sport = :5432'"
    assert f"{ADDRESS}:5432" in database.site.ssh(database.server, f'timeout 60 bash -c "{up}"')
    run = database.run()
    assert run.code == 0 and any("restarted for" in line for line in run.changes), run.output
    assert 450 * 1024**2 < database.setting("shared_buffers") <= 512 * 1024**2
    assert database.sql("SELECT n FROM kept") == "42"
    assert database.run().last_line.startswith("0 changed, ")


def test_a_new_server_adopts_the_volumes_data(database: Database) -> None:
    """Replacing the server must not mean restoring a backup."""
    site = database.site
    site.lab.machines.detach_volume(VOLUME)
    site.lab.machines.delete_server(database.server.id)
    database.server = site.server("postgres", ADDRESS, memory_gib=4.0)
    site.lab.machines.attach_volume(VOLUME, database.server.id)
    run = database.run()
    assert run.code == 0 and any("adopted" in line for line in run.changes), run.output
    assert database.sql("SELECT n FROM kept") == "42"
    assert site.ssh(database.server, database.login(SECOND)) == "1"
    assert database.run().last_line.startswith("0 changed, ")
