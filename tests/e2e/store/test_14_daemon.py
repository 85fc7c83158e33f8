"""The embedded cloud is a process that may die: its machines, like a provider's, must not care."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.e2e.store.checkout import Checkout, eventually
from tests.e2e.store.load import Load


def test_machines_serve_on_while_the_daemon_is_dead_and_it_comes_back_to_them(store: Checkout) -> None:
    """The API's outage is not the store's; a restart that forgets the servers would make them anew, data and all.

    The edge is a part of the daemon: that one is away with it, so these customers come as the edge would.
    """
    with store.api() as api:
        before = api.get("/v1/servers").json()["servers"]
    with as_the_edge(store) as load:
        killed = store.daemon
        os.kill(killed, signal.SIGKILL)
        eventually("the daemon is dead", lambda: not Path(f"/proc/{killed}/cmdline").exists() or _zombie(killed), 10)
        said = store.run("scripts/store", "status", check=False)
        eventually("customers are served meanwhile", lambda: load.sent >= 20, 15)
        store.shell("python -m localcloud start")
    assert load.failures == []
    assert said.code == 3 and "python -m localcloud start" in said.stderr and "Traceback" not in said.said

    with store.api() as api:
        after = api.get("/v1/servers").json()["servers"]
    assert [(s["id"], s["name"], s["status"]) for s in after] == [(s["id"], s["name"], s["status"]) for s in before]
    eventually("the balancer knows its targets", lambda: store.status()["healthy"], 30)
    store.shell("pulumi preview -s local --refresh --expect-no-changes --non-interactive --color never")


def as_the_edge(store: Checkout) -> Load:
    """Requests straight to the load balancer, with the secret that the edge has."""
    outputs, secret = store.outputs(), store.shell("pulumi config get originSecret -s local").stdout.strip()
    headers = {"x-publishable-api-key": outputs["publishableKey"], "X-Origin-Secret": secret}
    paths = ("/health", "/store/products?limit=2", "/store/regions")
    return Load(f"https://{outputs['loadBalancerAddress']}", paths, headers, verify=False)


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True
