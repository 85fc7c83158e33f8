"""An instance's role, without a release, on a booted Debian 13 machine: its node proxy and the origin secret."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from localcloud.machines.interface import ServerSpec
from tests.e2e.roles.servers import Run, Site

ADDRESS = "10.0.1.11"
OLD, NEW = "origin-secret-that-was-there-before", "origin-secret-that-comes-after-it"


@dataclass
class Instance:
    site: Site
    server: ServerSpec

    def run(self, secret: str, previous: str | None = None) -> Run:
        variables = {"instance": "medusa-1", "address": ADDRESS, "balancer": "10.0.4.10"}
        given = {"origin_secret": secret} | ({"origin_secret_previous": previous} if previous else {})
        done = self.site.role(self.server, "backend", variables, given)
        assert done.code == 0, done.output
        assert OLD not in done.output and NEW not in done.output
        return done

    def status(self, secret: str = "", path: str = "/store/products") -> int:
        """Of an answer of the proxy; the secret goes to curl by standard input."""
        ask = f"curl -s -m 5 -o /dev/null -w '%{{http_code}}' -H @- http://{ADDRESS}:8000{path}"
        return int(
            self.site.ssh(self.server, ask, stdin=f"X-Origin-Secret: {secret}\n" if secret else "X-Nothing: 1\n")
        )

    def proxies(self) -> str:
        """The proxy's processes: master and worker."""
        return self.site.ssh(self.server, "pgrep -x haproxy | sort | tr '\\n' ' '")


@pytest.fixture(scope="module")
def instance(site: Site) -> Instance:
    made = Instance(site, site.server("medusa-1", ADDRESS))
    made.run(OLD)
    site.ssh(made.server, "sudo systemd-run --quiet --unit=medusas-place python3 -m http.server --bind 127.0.0.1 9000")
    return made


def test_second_run_changes_nothing(instance: Instance) -> None:
    """A role that changes something in each run reloads the proxy at each `pulumi up`."""
    assert instance.run(OLD).last_line.startswith("0 changed, ")


def test_the_edge_alone_gets_to_medusa(instance: Instance) -> None:
    """In Medusa's place is a server that knows no page: 404 is its answer. /health says that nothing is well."""
    assert [instance.status(secret) for secret in ("", NEW, OLD)] == [403, 403, 404]
    assert instance.status(path="/health") == 503


def test_a_rotation_restarts_and_reloads_nothing(instance: Instance) -> None:
    """A reload ends connections that the balancer keeps open; the requests on them would be lost."""
    before = instance.proxies()
    between = instance.run(NEW, OLD)
    assert [line.split(": ")[0] for line in between.changes] == [
        "changed  file /etc/haproxy/origin/digests",
        "changed  origin secret of the proxy",
    ]
    assert [instance.status(secret) for secret in (OLD, NEW)] == [404, 404]
    instance.run(NEW)
    assert [instance.status(secret) for secret in (OLD, NEW)] == [403, 404]
    assert instance.proxies() == before
    assert instance.run(NEW).last_line.startswith("0 changed, ")


def test_what_was_rotated_survives_a_restart(instance: Instance) -> None:
    """The running proxy was told; the next one reads the file."""
    instance.site.ssh(instance.server, "sudo systemctl restart haproxy")
    assert [instance.status(secret) for secret in (OLD, NEW)] == [403, 404]


def test_a_list_spoilt_by_hand_is_put_right(instance: Instance) -> None:
    """Somebody tries a value on the socket at night and forgets it there."""
    python = (
        "import socket as s; c = s.socket(s.AF_UNIX); c.connect('/run/haproxy/admin.sock'); "
        "c.sendall(b'clear acl /etc/haproxy/origin/digests\\n'); c.recv(99)"
    )
    instance.site.ssh(instance.server, f'sudo python3 -c "{python}"')
    assert instance.status(NEW) == 403
    instance.run(NEW)
    assert instance.status(NEW) == 404


def test_the_secret_is_for_root_and_nowhere_in_clear(instance: Instance) -> None:
    """Any process of the instance that can read it could be the edge."""
    instance.site.refused(instance.server, "ls /etc/haproxy/origin")
    assert instance.site.ssh(instance.server, "sudo stat -c %U%a /etc/haproxy/origin/digests") == "root600"
    places = "/etc /var/lib /var/log /run /home /tmp /usr/local"
    found = instance.site.ssh(instance.server, f"sudo grep -rlaF -f - {places} 2>/dev/null; true", stdin=f"{NEW}\n")
    assert found == ""
