"""The embedded cloud is a process that may die: its machines must not care, and its edge comes back."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.e2e.store.checkout import Checkout, eventually
from tests.e2e.store.leftovers import processes
from tests.e2e.store.origin import Origin, origin_secret


def test_machines_serve_on_while_the_daemon_is_dead_and_it_comes_back_to_them(store: Checkout) -> None:
    """The API's outage is not the store's; a restart that forgets the servers would make them anew, data and all.

    The edge is a part of the daemon, so that it is away meanwhile: what it asks is asked in its place.
    """
    with store.api() as api:
        before = api.get("/v1/servers").json()["servers"]
    origin, secret = Origin.of(store), origin_secret(store)
    workerd = runtimes(store.cloud)
    killed = store.daemon
    os.kill(killed, signal.SIGKILL)
    eventually("the daemon is dead", lambda: not Path(f"/proc/{killed}/cmdline").exists() or _zombie(killed), 10)
    said = store.run("scripts/store", "status", check=False)
    assert {origin.ask("/store/products?limit=2", secret).status_code for _ in range(20)} == {200}
    store.shell("python -m localcloud start")
    assert said.code == 3 and "python -m localcloud start" in said.stderr and "Traceback" not in said.said

    with store.api() as api:
        after = api.get("/v1/servers").json()["servers"]
    assert [(s["id"], s["name"], s["status"]) for s in after] == [(s["id"], s["name"], s["status"]) for s in before]
    eventually("the balancer knows its targets", lambda: store.status()["healthy"], 30)
    eventually("the killed daemon's Workers are gone", lambda: len(runtimes(store.cloud)) == len(workerd) > 0, 15)
    assert runtimes(store.cloud) != workerd
    store.shell("pulumi preview -s local --refresh --expect-no-changes --non-interactive --color never")


def test_the_edge_is_what_it_was(store: Checkout) -> None:
    """A Worker, a login, a picture or a bucket that only the process remembered is gone after the first bad night."""
    outputs = store.outputs()
    with store.client() as client:
        page = client.get(outputs["storefrontUrl"])
        assert page.status_code == 200 and page.headers["x-store-version"] == outputs["storefrontVersion"]
        assert 'data-testid="products"' in page.text
        assert "/cdn-cgi/access/login/" in client.get(outputs["adminUrl"]).headers["location"]
        assert client.get(f"{outputs['apiUrl']}/store/regions").status_code != 403
    store.run("scripts/store", "smoke")


def runtimes(home: Path) -> set[str]:
    """The Workers' runtimes that belong to the home, by their process ids."""
    return {line.split()[0] for line in processes(home) if "/workerd" in line.split()[1]}


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True
