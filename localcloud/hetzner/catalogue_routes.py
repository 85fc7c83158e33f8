"""Routes of what can be ordered, and of actions."""

from __future__ import annotations

from collections.abc import Callable

from localcloud.hetzner.actionlog import SORTABLE
from localcloud.hetzner.errors import ApiError, gone, invalid, not_found
from localcloud.hetzner.pages import Page, sort_rows
from localcloud.hetzner.routing import Answer, Call, Handler, Route
from localcloud.hetzner.store import Row

ACTIONS_REMOVED = "https://docs.hetzner.cloud/changelog"
MAX_ACTION_IDS = 50
ACTION_STATUSES = ("running", "success", "error")


def _rows(key: str, one: str, rows: Callable[[Call], list[Row]], sortable: tuple[str, ...] = ()) -> list[Route]:
    def listing(call: Call) -> Answer:
        return call.listing(key, rows(call), dict, sortable)

    def get(call: Call) -> Answer:
        for row in rows(call):
            if row["id"] == call.path["id"]:
                return Answer(200, {one: row})
        raise not_found(one.replace("_", " "), call.path["id"])

    return [Route("GET", f"/{key}", listing), Route("GET", f"/{key}/{{id}}", get)]


def _isos(call: Call) -> list[Row]:
    architectures = call.choice("architecture", ("x86", "arm"))
    wildcard = call.value("include_architecture_wildcard") == "true"
    return [
        row
        for row in call.cloud.catalogue.isos
        if not architectures or row["architecture"] in architectures or (wildcard and row["architecture"] is None)
    ]


def pricing(call: Call) -> Answer:
    return Answer(200, {"pricing": call.cloud.catalogue.pricing})


def datacenters(call: Call) -> Answer:
    raise gone("datacenters were removed from the API, use locations", "https://docs.hetzner.cloud/changelog")


def list_actions(call: Call) -> Answer:
    """Exactly the actions asked for by id, on one page: clients take one that is missing for an error."""
    ids = call.values("id")
    if not ids:
        raise gone("listing arbitrary actions was removed, ask for them by id", ACTIONS_REMOVED)
    if not all(one.isdecimal() for one in ids):
        raise invalid("id", "must be integers")
    if len(ids) > MAX_ACTION_IDS:
        raise invalid("id", f"must be at most {MAX_ACTION_IDS}")
    rows = call.tx.actions.find(ids=[int(one) for one in ids], statuses=call.choice("status", ACTION_STATUSES))
    rows = sort_rows(rows, call.values("sort"), SORTABLE)
    page = Page(1, MAX_ACTION_IDS)
    return Answer(200, {"actions": rows, "meta": page.meta(len(rows))}, page, len(rows))


def get_action(call: Call) -> Answer:
    found = call.tx.actions.get(call.path["id"])
    if found is None:
        raise not_found("action", call.path["id"])
    return Answer(200, {"action": found})


def action_routes(plural: str, kind: str, find: Callable[[Call], Row] | None = None) -> list[Route]:
    """The routes that show a group's actions; ``find`` raises 404 for what is not in the state alone."""

    def page_of(call: Call, rows: list[Row]) -> Answer:
        rows = sort_rows(rows, call.values("sort"), SORTABLE)
        page = Page.of(call.query)
        return Answer(200, {"actions": page.cut(rows), "meta": page.meta(len(rows))}, page, len(rows))

    def of_kind(call: Call) -> Answer:
        ids = call.values("id")
        if not all(one.isdecimal() for one in ids):
            raise invalid("id", "must be integers")
        statuses = call.choice("status", ACTION_STATUSES)
        wanted = [int(one) for one in ids] if ids else None
        return page_of(call, call.tx.actions.find(ids=wanted, kind=kind, statuses=statuses))

    def of_one(call: Call) -> Answer:
        (find or (lambda call: call.find(kind)))(call)
        statuses = call.choice("status", ACTION_STATUSES)
        return page_of(call, call.tx.actions.find(kind=kind, resource=call.path["id"], statuses=statuses))

    def one_of_kind(call: Call) -> Answer:
        return _one(call, call.path["id"], None)

    def one_of_one(call: Call) -> Answer:
        return _one(call, call.path["action_id"], call.path["id"])

    def _one(call: Call, number: int, resource: int | None) -> Answer:
        found = call.tx.actions.find(ids=[number], kind=kind, resource=resource)
        if not found:
            raise ApiError("not_found", f"action with ID '{number}' not found")
        return Answer(200, {"action": found[0]})

    handlers: list[tuple[str, Handler]] = [
        (f"/{plural}/actions", of_kind),
        (f"/{plural}/actions/{{id}}", one_of_kind),
        (f"/{plural}/{{id}}/actions", of_one),
        (f"/{plural}/{{id}}/actions/{{action_id}}", one_of_one),
    ]
    return [Route("GET", path, handler) for path, handler in handlers]


ROUTES = [
    *_rows("locations", "location", lambda call: call.cloud.catalogue.locations, ("id", "name")),
    *_rows("server_types", "server_type", lambda call: call.cloud.catalogue.server_types),
    *_rows("load_balancer_types", "load_balancer_type", lambda call: call.cloud.catalogue.load_balancer_types),
    *_rows("isos", "iso", _isos),
    Route("GET", "/pricing", pricing),
    Route("GET", "/datacenters", datacenters),
    Route("GET", "/datacenters/{id}", datacenters),
    Route("GET", "/actions", list_actions),
    Route("GET", "/actions/{id}", get_action),
]
