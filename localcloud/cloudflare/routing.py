"""From a request to a handler: a table of routes, and what a handler is given."""

from __future__ import annotations

import json
import re
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, ValidationError

from localcloud.cloudflare import multipart
from localcloud.cloudflare.cloud import Cloud
from localcloud.cloudflare.errors import ApiError, bad_request, no_route
from localcloud.cloudflare.pages import Page
from localcloud.cloudflare.store import Row, Transaction


class Body(BaseModel):
    """A request's body. Types are strict as the API's are; what a group does not know is kept, and shown again."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


B = TypeVar("B", bound=Body)


@dataclass(frozen=True)
class Answer:
    """What a handler returns: the envelope's ``result``, and ``result_info`` of a list."""

    result: Any
    status: int = 200
    info: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    messages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Raw:
    """An answer without an envelope."""

    content: bytes = b""
    media_type: str = "application/octet-stream"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


NO_CONTENT = Raw(status=204, media_type="")


@dataclass
class Call:
    """One authenticated request. ``tx`` is there unless the route is :attr:`Route.free`."""

    cloud: Cloud
    path: dict[str, str]
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    content_type: str = ""
    identity: str = ""
    """The id of the token that asks."""
    transaction: Transaction | None = None

    @property
    def tx(self) -> Transaction:
        assert self.transaction is not None, "a free route opens its own transactions"
        return self.transaction

    @property
    def account(self) -> str:
        return self.cloud.account_id

    @property
    def zone(self) -> Row:
        """The zone of the path; raises 404."""
        row = self.tx.get("zone", self.account, self.path["zone_id"])
        if row is None:
            raise ApiError(404, 1001, "Invalid zone identifier")
        return row

    def json(self) -> Any:
        """The body whatever its content type says: some clients send JSON as text."""
        if not self.content.strip():
            return None
        try:
            return json.loads(self.content)
        except ValueError as wrong:
            raise bad_request(f"Malformed JSON in request body: {wrong}", 6007) from None
        except RecursionError:
            raise bad_request("Malformed JSON in request body: it is nested too deeply", 6007) from None

    def object(self) -> dict[str, Any]:
        found = self.json()
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise bad_request("the request's body must be a JSON object", 6007)
        return found

    def form(self) -> list[multipart.Part]:
        return multipart.parse(self.content, self.content_type)

    def body(self, model: type[B], code: int = 10001) -> B:
        """The body, checked; raises 400 with ``code``."""
        return check(model, self.object(), code)

    def page(self, rows: Sequence[Row], show: Callable[[Row], Any], default: int = 20, most: int = 1000) -> Answer:
        """A page of ``rows``."""
        page = Page.of(self.query, default, most)
        shown = [show(row) for row in page.cut(rows)]
        return Answer(shown, info=page.info(len(shown), len(rows)))


def check(model: type[B], content: Any, code: int = 10001) -> B:
    """``content`` as ``model``; raises 400 that names the field at fault."""
    try:
        return model.model_validate(content)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        path = [str(part) for part in first["loc"]]
        reason = str(first["msg"]).removeprefix("Value error, ")
        message = f"{'.'.join(path)}: {reason}" if path else reason
        raise bad_request(message, code, "/" + "/".join(path)) from None


def public(row: Row) -> dict[str, Any]:
    """A row as it is shown."""
    return {key: value for key, value in row.items() if not key.startswith("_")}


def now() -> str:
    """The time as the API writes it: RFC 3339 in UTC with microseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def hex_id() -> str:
    return secrets.token_hex(16)


def uuid_id() -> str:
    return str(uuid.uuid4())


Handler = Callable[[Call], Answer | Raw]


@dataclass(frozen=True)
class Route:
    """``path`` is below ``/client/v4``; ``{name}`` is one segment, ``{name*}`` all the rest."""

    method: str
    path: str
    handler: Handler
    free: bool = False
    """It waits for the data plane, which nothing may do inside a transaction: it opens its own."""


class Router:
    """Finds the route of a request."""

    def __init__(self, routes: Sequence[Route]) -> None:
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            methods = by_path.setdefault(route.path, {})
            if route.method in methods:
                raise ValueError(f"{route.method} {route.path} is there twice")
            methods[route.method] = route
        # Fixed segments before variable ones, segment by segment: /rulesets/phases is not the ruleset "phases".
        order = sorted(by_path, key=lambda path: [(part.startswith("{"), part.endswith("*}")) for part in _split(path)])
        self._routes = [(_pattern(path), by_path[path]) for path in order]

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and the values of its path, which is still percent-encoded. Raises 404 and 405."""
        known = False
        for pattern, methods in self._routes:
            found = pattern.fullmatch(path)
            if found is None:
                continue
            if method in methods:
                return methods[method], {key: unquote(value) for key, value in found.groupdict().items()}
            known = True
        if known:
            raise ApiError(405, 10405, f"Method {method} is not allowed for this URI")
        raise no_route(path)


def _split(path: str) -> list[str]:
    return path.strip("/").split("/")


def _pattern(path: str) -> re.Pattern[str]:
    pattern = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", path)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern))
