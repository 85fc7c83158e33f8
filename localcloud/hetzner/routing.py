"""From a request to a handler: a table of routes, and what a handler is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from localcloud.hetzner import fields, selectors
from localcloud.hetzner.errors import ApiError, invalid, not_found
from localcloud.hetzner.pages import Page, sort_rows
from localcloud.hetzner.store import Row, Transaction

if TYPE_CHECKING:
    from localcloud.hetzner.cloud import Cloud

B = TypeVar("B", bound=fields.Body)


@dataclass(frozen=True)
class Answer:
    """What a handler returns. ``total`` is set on lists, for the Link header; no body means no content."""

    status: int
    body: dict[str, Any] | None = None
    page: Page | None = None
    total: int = 0


@dataclass
class Call:
    """One authenticated request inside one transaction."""

    cloud: Cloud
    tx: Transaction
    path: dict[str, int]
    query: list[tuple[str, str]] = field(default_factory=list)
    json: Any = None
    known: Any = None
    """What the route's ``before`` found out from machines."""

    def body(self, model: type[B]) -> B:
        """The body, checked; raises 422."""
        return fields.validate(model, self.json)

    def values(self, name: str) -> list[str]:
        """Every value given for a query parameter."""
        return [value for key, value in self.query if key == name]

    def value(self, name: str) -> str | None:
        found = self.values(name)
        return found[-1] if found else None

    def choice(self, name: str, allowed: Sequence[str]) -> list[str]:
        """Every value given for a parameter, each one of ``allowed``."""
        found = self.values(name)
        for one in found:
            if one not in allowed:
                raise invalid(name, f"'{one}' is not one of {', '.join(allowed)}")
        return found

    def find(self, kind: str, number: int | None = None) -> Row:
        """The row named by the path's id (or by ``number``); raises 404."""
        wanted = self.path["id"] if number is None else number
        row = self.tx.get(kind, wanted)
        if row is None:
            raise not_found(kind.replace("_", " "), wanted)
        return row

    def listing(
        self, key: str, rows: list[Row], show: Callable[[Row], dict[str, Any]], sortable: Sequence[str] = ()
    ) -> Answer:
        """A page of ``rows`` after the parameters that all lists share: name, label_selector, sort, page, per_page."""
        name = self.value("name")
        if name is not None:
            rows = [row for row in rows if row.get("name") == name]
        selector = self.value("label_selector")
        if selector is not None:
            terms = selectors.parse(selector)
            rows = [row for row in rows if selectors.matches(terms, row.get("labels", {}))]
        rows = sort_rows(rows, self.values("sort"), sortable)
        page = Page.of(self.query)
        shown = [show(row) for row in page.cut(rows)]
        return Answer(200, {key: shown, "meta": page.meta(len(rows))}, page, len(rows))


Handler = Callable[[Call], Answer]
Before = Callable[["Cloud", dict[str, int]], Any]


@dataclass(frozen=True)
class Route:
    """``path`` is the document's, with ``{id}`` and ``{action_id}`` for integers."""

    method: str
    path: str
    handler: Handler
    before: Before | None = None
    """Asks machines something before the transaction, inside which nothing may wait for them."""


class Router:
    """Finds the route of a request."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes: list[tuple[re.Pattern[str], dict[str, Route]]] = []
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_path.setdefault(route.path, {})[route.method] = route
        # Fixed segments before variable ones: /servers/actions is not the server "actions".
        for path in sorted(by_path, key=lambda one: one.count("{")):
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[0-9]{1,16})", path)
            self._routes.append((re.compile(pattern), by_path[path]))

    def match(self, method: str, path: str) -> tuple[Route, dict[str, int]]:
        """The route and the integers of its path. Raises 404 for an unknown path and 405 for an unknown method."""
        for pattern, methods in self._routes:
            found = pattern.fullmatch(path)
            if found is None:
                continue
            if method not in methods:
                raise ApiError("method_not_allowed", f"method {method} is not allowed")
            return methods[method], {key: int(value) for key, value in found.groupdict().items()}
        raise ApiError("not_found", "api route not found")
