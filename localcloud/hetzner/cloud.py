"""The cloud: its state, its machines, and actions that turn the one into the other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from localcloud.hetzner.catalogue import Catalogue
from localcloud.hetzner.errors import ApiError, limit_exceeded, locked
from localcloud.hetzner.store import Row, Store, Transaction
from localcloud.hetzner.workers import Workers
from localcloud.machines.interface import MachineError, Machines

log = logging.getLogger("localcloud.hetzner")

Resource = tuple[str, int]
"""Type and id, as in an action's ``resources``."""

DEFAULT_LIMITS = {
    "server": 100,
    "network": 50,
    "firewall": 50,
    "placement_group": 50,
    "load_balancer": 50,
    "volume": 100,
    "primary_ip": 250,
    "ssh_key": 100,
    "certificate": 50,
    "image": 100,
}
"""How many resources of a kind a project may have. A new real project has fewer servers until its limit is raised."""


class Cloud:
    """Everything that request handlers and worker jobs share."""

    def __init__(
        self,
        store: Store,
        machines: Machines,
        catalogue: Catalogue,
        limits: dict[str, int] | None = None,
    ) -> None:
        self.store = store
        self.machines = machines
        self.catalogue = catalogue
        self.limits = {**DEFAULT_LIMITS, **(limits or {})}
        self.workers = Workers()
        self.locks: dict[Resource, int] = {}

    def check_limit(self, tx: Transaction, kind: str, more: int = 1) -> None:
        """Raise 403 if the project would have more resources of ``kind`` than its limit."""
        if len(tx.all(kind)) + more > self.limits[kind]:
            raise limit_exceeded(f"{kind}_limit", f"{kind.replace('_', ' ')} limit exceeded")

    def check_unlocked(self, *resources: Resource) -> None:
        """Raise 423 if an action works on one of ``resources``."""
        for kind, number in resources:
            if (kind, number) in self.locks:
                raise locked(kind.replace("_", " "))

    def check_no_change(self, network_id: int) -> None:
        """Raise 409: a network that is being changed answers so, and clients retry."""
        if ("network", network_id) in self.locks:
            raise ApiError("conflict", "a change is currently being performed on this network, please retry")

    def act(
        self,
        tx: Transaction,
        command: str,
        resources: Sequence[Resource],
        work: Callable[[], None] | None = None,
        done: Callable[[Transaction], None] | None = None,
        failed: Callable[[Transaction], None] | None = None,
        *,
        locks: Sequence[Resource] = (),
        alone: Sequence[Hashable] = (),
        beside: Sequence[Hashable] = (),
        after: Row | None = None,
    ) -> Row:
        """Begin an action and return it, running.

        ``work`` is done by a worker once the transaction is durable, ordered by ``alone`` and ``beside`` (see
        :class:`~localcloud.hetzner.workers.Workers`; by default alone for each of ``locks``). Then ``done`` (or
        ``failed``) changes the state in the transaction that also ends the action. ``locks`` are held until then.
        With ``after``, another action, this one fails if that one did. Without ``work`` it is a success at once.
        """
        number = tx.actions.add(command, resources)
        if work is None:
            if done is not None:
                done(tx)
            tx.actions.finish(number)
            return self.action(tx, number)
        keys = alone or [*locks]
        previous = None if after is None else int(after["id"])
        tx.after_commit(lambda: self.locks.update(dict.fromkeys(locks, number)))
        tx.after_commit(
            lambda: self.workers.submit(lambda: self._run(number, work, done, failed, previous), keys, beside)
        )
        return self.action(tx, number)

    def settle(self, tx: Transaction, work: Callable[[], None], alone: Sequence[Hashable]) -> None:
        """Machine work that no action shows; what goes wrong is logged."""

        def run() -> None:
            try:
                work()
            except MachineError as wrong:
                log.warning("%s: %s", ", ".join(map(str, alone)), wrong)

        tx.after_commit(lambda: self.workers.submit(run, alone))

    def action(self, tx: Transaction, number: int) -> Row:
        found = tx.actions.get(number)
        assert found is not None, "an action that was just added is there"
        return found

    def _run(
        self,
        number: int,
        work: Callable[[], None],
        done: Callable[[Transaction], None] | None,
        failed: Callable[[Transaction], None] | None,
        previous: int | None,
    ) -> None:
        error = self._attempt(number, work, previous)
        with self.store.transaction() as tx:
            tx.after_commit(lambda: self._unlock(number))
            follow = failed if error else done
            if follow is not None:
                follow(tx)
            tx.actions.finish(number, error)

    def _attempt(self, number: int, work: Callable[[], None], previous: int | None) -> dict[str, str] | None:
        if previous is not None:
            with self.store.transaction() as tx:
                before: Any = tx.actions.get(previous)
            if before["status"] == "error":
                return {"code": "action_failed", "message": f"{before['command']} failed before: action {previous}"}
        try:
            work()
        except MachineError as wrong:
            log.warning("action %d failed: %s", number, wrong)
            return {"code": "action_failed", "message": str(wrong)}
        except Exception as wrong:
            log.exception("action %d failed", number)
            return {"code": "action_failed", "message": f"unexpected error: {type(wrong).__name__}: {wrong}"}
        return None

    def _unlock(self, number: int) -> None:
        for resource in [one for one, holder in self.locks.items() if holder == number]:
            del self.locks[resource]
