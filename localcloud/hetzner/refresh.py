"""Recomputing what follows from other resources: rules on servers, targets of load balancers."""

from __future__ import annotations

from localcloud.hetzner import selectors, specs
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.store import Row, Transaction


def apply_firewalls(cloud: Cloud, server_id: int) -> None:
    """Give a server's machine its merged rules as they are stored now; for worker threads."""
    with cloud.store.transaction() as tx:
        row = tx.get("server", server_id)
        if row is None:
            return
        applied = specs.applied_firewalls(tx, row)
    cloud.machines.set_firewall(server_id, specs.firewall_rules(applied))
    with cloud.store.transaction() as tx:
        if tx.get("server", server_id) is not None:
            tx.edit("server", server_id)["firewalls"] = [one["id"] for one in applied]


def apply_load_balancer(cloud: Cloud, number: int) -> None:
    """Give a load balancer its configuration as it is stored now; for worker threads."""
    with cloud.store.transaction() as tx:
        row = tx.get("load_balancer", number)
        if row is None:
            return
        spec = specs.load_balancer(tx, cloud.catalogue, row)
    cloud.machines.apply_load_balancer(spec)


def refresh_firewalls(cloud: Cloud, tx: Transaction, server_id: int) -> None:
    """Bring the server's rules up to date once the transaction is durable. The server is not locked meanwhile."""
    cloud.settle(tx, lambda: apply_firewalls(cloud, server_id), [("server", server_id)])


def refresh_load_balancer(cloud: Cloud, tx: Transaction, number: int) -> None:
    cloud.settle(tx, lambda: apply_load_balancer(cloud, number), [("load_balancer", number)])


def refresh_server(cloud: Cloud, tx: Transaction, server_id: int, labels: dict[str, str]) -> None:
    """After a change of a server's labels or addresses: what refers to it, or to its labels, may have changed.

    ``labels`` are those it had before.
    """
    row = tx.get("server", server_id)
    if row is not None and [one["id"] for one in specs.applied_firewalls(tx, row)] != row["firewalls"]:
        refresh_firewalls(cloud, tx, server_id)
    refresh_targets(cloud, tx, server_id, labels)


def refresh_targets(cloud: Cloud, tx: Transaction, server_id: int, labels: dict[str, str]) -> None:
    """Apply the load balancers again that have the server among their targets, or had it with ``labels``."""
    row = tx.get("server", server_id)
    now = row["labels"] if row is not None else {}
    for balancer in tx.all("load_balancer"):
        if any(_concerns(target, server_id, now, labels) for target in balancer["targets"]):
            refresh_load_balancer(cloud, tx, balancer["id"])


def _concerns(target: Row, server_id: int, now: dict[str, str], before: dict[str, str]) -> bool:
    if target["type"] == "server":
        return bool(target["server"]["id"] == server_id)
    if target["type"] == "label_selector":
        terms = selectors.parse(target["label_selector"]["selector"])
        return selectors.matches(terms, now) or selectors.matches(terms, before)
    return False
