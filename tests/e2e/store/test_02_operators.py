"""The operators' commands and unmodified clients, against a store that is well."""

from __future__ import annotations

from hcloud import Client

from tests.e2e.store.checkout import Checkout, names

SERVERS = ["local-medusa-1", "local-postgres", "local-redis"]


def test_status_says_all_is_well(store: Checkout) -> None:
    """ "Is it us?" is the first question of every incident."""
    ran = store.run("scripts/store", "status", "--json")
    report = ran.json()
    assert report["healthy"] is True
    assert [one["name"] for one in report["instances"]] == ["local-medusa-1"]
    first = report["instances"][0]
    assert first["health"] == "healthy" and first["reason"] == ""
    assert report["release"].startswith(first["release"]) or first["release"].startswith(report["release"])
    assert report["database"]["health"] == report["redis"]["health"] == "healthy"
    assert report["loadBalancer"]["targets"]["healthy"] == 1
    assert "local-postgres" in store.run("scripts/store", "status").stdout


def test_a_customer_can_fill_a_cart(store: Checkout) -> None:
    """/health is green and nothing can be bought: it happens, and only a customer's path finds it."""
    steps = store.run("scripts/store", "smoke", "--json").json()["steps"]
    assert [step["name"] for step in steps if not step["ok"]] == []
    assert steps[0]["name"] == "storefront" and steps[-1]["name"] == "totals"


def test_smoke_fails_where_a_customer_would(store: Checkout) -> None:
    """A check that cannot fail is no check; the failure is told in words, without a traceback."""
    ran = store.run("scripts/store", "smoke", "--publishable-key", "pk_wrong", check=False)
    assert ran.code == 1
    assert "error: region:" in ran.stderr and "what to do:" in ran.stderr and "Traceback" not in ran.said


def test_ssh_reaches_every_server_with_its_pinned_key(store: Checkout) -> None:
    """At night there is no time to wonder whether a changed host key is an attack."""
    for host in store.outputs()["sshHosts"]:
        role = "medusa-1" if host == "medusa-local" else host.removesuffix("-local")
        assert store.run("scripts/store", "ssh", host, "hostname").stdout.strip() == f"local-{role}"
    assert store.run("scripts/store", "ssh", "redis-local", "exit 7", check=False).code == 7


def test_the_guides_own_words_work(store: Checkout) -> None:
    """`journalctl -u medusa` is what the runbook says; root's own rights come by sudo."""
    ran = store.run(
        "scripts/store", "ssh", "medusa-local", "sudo", "journalctl", "-u", "medusa", "-n", "5", "--no-pager"
    )
    assert ran.stdout.strip()


def test_secrets_are_listed_and_in_order(store: Checkout) -> None:
    """What the store runs on passes the program's own rules."""
    states = store.run("scripts/store", "secrets", "list", "--json").json()
    assert states["originSecret"] == states["sshPrivateKey"] == "set"
    # The second values that rotations leave for a while, and another stack's.
    assert set(states.values()) <= {"set", "not needed"}
    store.run("scripts/store", "secrets", "check")


def test_debians_client_lists_what_is_there(store: Checkout) -> None:
    """Operators have hcloud in their fingers: the embedded cloud must be a Hetzner Cloud to it."""
    listed = store.shell("hcloud server list -o noheader -o columns=name,status").stdout
    assert sorted(line.split() for line in listed.splitlines()) == [[name, "running"] for name in SERVERS]
    described = store.shell("hcloud load-balancer list -o json").json()
    assert len(described) == 1 and len(described[0]["targets"]) == 1


def test_the_python_client_sees_the_same(store: Checkout) -> None:
    """`store status` stands on it."""
    client = Client(store.token, api_endpoint=f"http://127.0.0.1:{store.port}/v1")
    assert sorted(server.name for server in client.servers.get_all()) == SERVERS
    with store.api() as api:
        assert names(api.get("/v1/servers").json()["servers"]) == SERVERS
