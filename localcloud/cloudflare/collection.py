"""Resources that the API takes as they are sent, keeps and shows again: a table row for each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.cloudflare.errors import ApiError
from localcloud.cloudflare.routing import Answer, Body, Call, Raw, Route, check, hex_id, now, public
from localcloud.cloudflare.store import Row, Transaction


@dataclass(frozen=True)
class Collection:
    """One kind of resource and its five routes.

    ``prepare`` is given a whole new state (from POST, PUT or PATCH) and the former one, and may refuse or complete it.
    """

    path: str
    kind: str
    model: type[Body]
    missing: tuple[int, str]
    """Code and message of 404."""
    invalid: int = 10001
    new_id: Callable[[], str] = hex_id
    created: str = "created_on"
    modified: str = "modified_on"
    defaults: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[Call, Row, Row | None], None] = lambda call, row, former: None
    show: Callable[[Call, Row], dict[str, Any]] = lambda call, row: public(row)
    shown_once: Callable[[Call, Row], dict[str, Any]] | None = None
    """What only the answer to POST shows."""
    check_unused: Callable[[Call, Row], None] = lambda call, row: None
    methods: str = "POST GET LIST PUT DELETE"
    list_filters: tuple[str, ...] = ()
    create_status: int = 200

    def scope(self, call: Call) -> str:
        """The zone's id, else the account's; a zone that is not there is 404."""
        return str(call.zone["id"]) if "zone_id" in call.path else call.account

    def find(self, call: Call, name: str | None = None) -> Row:
        row = call.tx.get(self.kind, self.scope(call), name or call.path["id"])
        if row is None:
            raise self.not_found()
        return row

    def not_found(self) -> ApiError:
        return ApiError(404, *self.missing)

    def all(self, tx: Transaction, scope: str) -> list[Row]:
        return tx.all(self.kind, scope)

    def listing(self, call: Call) -> Answer:
        rows = call.tx.all(self.kind, self.scope(call))
        for name in self.list_filters:
            if name in call.query:
                rows = [row for row in rows if str(row.get(name)) == call.query[name]]
        return call.page(rows, lambda row: self.show(call, row))

    def create(self, call: Call) -> Answer:
        sent = call.object()
        check(self.model, sent, self.invalid)
        moment = now()
        row: Row = {"id": self.new_id(), **self.defaults, **sent, self.created: moment, self.modified: moment}
        self.prepare(call, row, None)
        call.tx.put(self.kind, self.scope(call), row["id"], row)
        shown = self.shown_once(call, row) if self.shown_once else self.show(call, row)
        return Answer(shown, self.create_status)

    def get(self, call: Call) -> Answer:
        return Answer(self.show(call, self.find(call)))

    def put(self, call: Call) -> Answer:
        return self._change(call, {**self.defaults})

    def patch(self, call: Call) -> Answer:
        former = self.find(call)
        return self._change(call, {key: value for key, value in former.items() if key != "id"})

    def _change(self, call: Call, base: Row) -> Answer:
        former = self.find(call)
        hidden = {key: value for key, value in former.items() if key.startswith("_")}
        sent = {key: value for key, value in call.object().items() if key not in ("id", self.created, self.modified)}
        check(self.model, {**base, **sent}, self.invalid)
        row = {"id": former["id"], **base, **hidden, **sent}
        row |= {self.created: former[self.created], self.modified: now()}
        self.prepare(call, row, former)
        call.tx.put(self.kind, self.scope(call), row["id"], row)
        return Answer(self.show(call, row))

    def delete(self, call: Call) -> Answer | Raw:
        row = self.find(call)
        self.check_unused(call, row)
        call.tx.remove(self.kind, self.scope(call), row["id"])
        return Answer({"id": row["id"]})

    def routes(self) -> list[Route]:
        item = f"{self.path}/{{id}}"
        table = {
            "LIST": Route("GET", self.path, self.listing),
            "POST": Route("POST", self.path, self.create),
            "GET": Route("GET", item, self.get),
            "PUT": Route("PUT", item, self.put),
            "PATCH": Route("PATCH", item, self.patch),
            "DELETE": Route("DELETE", item, self.delete),
        }
        return [table[method] for method in self.methods.split()]
