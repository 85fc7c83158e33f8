"""The API as an ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from localcloud.common.guard import no_page, whole_body
from localcloud.hetzner import (
    catalogue_routes,
    faults,
    fields,
)
from localcloud.hetzner.actionlog import now
from localcloud.hetzner.certificates import routes as certificates
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError
from localcloud.hetzner.firewalls import routes as firewalls
from localcloud.hetzner.images import routes as images
from localcloud.hetzner.journal import Journal
from localcloud.hetzner.limits import RateLimit
from localcloud.hetzner.load_balancers import routes as load_balancers
from localcloud.hetzner.networks import routes as networks
from localcloud.hetzner.placement_groups import routes as placement_groups
from localcloud.hetzner.primary_ips import routes as primary_ips
from localcloud.hetzner.routing import Answer, Call, Router
from localcloud.hetzner.servers import routes as servers
from localcloud.hetzner.ssh_keys import routes as ssh_keys
from localcloud.hetzner.volumes import routes as volumes

log = logging.getLogger("localcloud.hetzner")
PREFIX = "/v1"
THREADS = 8
MAX_BODY = 1024 * 1024
"""Bytes of a request's body; the longest that the API's own limits allow (firewall rules) has a quarter of it."""
GROUPS = (catalogue_routes, ssh_keys, networks, placement_groups, firewalls, primary_ips, servers, images, volumes,
          load_balancers, certificates)  # fmt: skip
ROUTER = Router([route for group in GROUPS for route in group.ROUTES])


class Api:
    """Answers requests: budget, faults, token, route, handler, journal, in that order."""

    def __init__(self, cloud: Cloud, token: str, limit: RateLimit, journal: Journal) -> None:
        self.cloud = cloud
        self.token = token
        self.limit = limit
        self.journal = journal
        self.faults = faults.Faults()
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="api")

    async def __call__(self, request: Request) -> Response:
        started = time.perf_counter()
        path = request.url.path.removeprefix(PREFIX)
        body = await whole_body(request, MAX_BODY)
        entry: dict[str, Any] = {"time": now(), "method": request.method, "path": path, "query": request.url.query}
        headers = {"X-Correlation-Id": secrets.token_hex(8)}
        try:
            response = await self._answer(request, path, body, entry)
        except ApiError as wrong:
            entry["code"] = wrong.code
            response = _json(wrong.status, wrong.body())
        except Exception as wrong:
            log.exception("%s %s failed", request.method, path)
            error = ApiError("server_error", f"the embedded cloud failed: {type(wrong).__name__}; see its log")
            entry["code"] = error.code
            response = _json(error.status, error.body())
        response.headers.update({**headers, **self.limit.headers()})
        took = round((time.perf_counter() - started) * 1000, 1)
        agent = request.headers.get("user-agent", "")
        self.journal.add({**entry, "status": response.status_code, "milliseconds": took, "agent": agent})
        return response

    async def _answer(self, request: Request, path: str, body: bytes | None, entry: dict[str, Any]) -> Response:
        if not self.limit.take():
            text = f"limit of {self.limit.per_hour} requests per hour reached"
            raise ApiError("rate_limit_exceeded", text)
        fault = self.faults.take(request.method, path)
        if fault is not None:
            await asyncio.sleep(fault.delay_seconds)
            error = faults.error(fault)
            if error is not None:
                raise error
        route, values = ROUTER.match(request.method, path)
        self._authorize(request)
        content = _parse(body)
        entry["body"] = content
        query = request.query_params.multi_items()
        work = functools.partial(self._handle, route.handler, route.before, values, query, content)
        answer = await asyncio.get_running_loop().run_in_executor(self.threads, work)
        response = Response(status_code=204) if answer.body is None else _json(answer.status, answer.body)
        if answer.page is not None:
            url = f"{request.url.scheme}://{request.url.netloc}{request.url.path}"
            link = answer.page.link(url, query, answer.total)
            if link:
                response.headers["Link"] = link
        return response

    def _authorize(self, request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if not given or scheme.lower() != "bearer":
            raise ApiError("unauthorized", "token is required")
        if not secrets.compare_digest(given.strip().encode(), self.token.encode()):
            raise ApiError("unauthorized", "the token you have provided is invalid")

    def _handle(
        self,
        handler: Callable[[Call], Answer],
        before: Callable[[Cloud, dict[str, int]], Any] | None,
        path: dict[str, int],
        query: list[tuple[str, str]],
        content: Any,
    ) -> Answer:
        known = before(self.cloud, path) if before is not None else None
        with self.cloud.store.transaction() as tx:
            return handler(Call(self.cloud, tx, path, query, content, known))


def _parse(body: bytes | None) -> Any:
    if body is None:
        raise ApiError("json_error", f"the request's body is longer than {MAX_BODY} bytes")
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except RecursionError:
        raise ApiError("json_error", "invalid JSON input in the request: it is nested too deeply") from None
    except ValueError as wrong:
        raise ApiError("json_error", f"invalid JSON input in the request: {wrong}") from None


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), status, media_type="application/json")


class Control:
    """What is not Hetzner's: asking for faults, reading the journal, asking whether the daemon is there."""

    def __init__(self, api: Api, about: dict[str, Any]) -> None:
        self._api = api
        self._about = about

    async def faults(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                self._api.faults.add(fields.validate(faults.FaultRequest, _parse(await whole_body(request, MAX_BODY))))
            except ApiError as wrong:
                return _json(wrong.status, wrong.body())
        elif request.method == "DELETE":
            self._api.faults.clear()
        return _json(200, {"faults": self._api.faults.shown()})

    async def requests(self, request: Request) -> Response:
        """``?since=N`` leaves out the first N."""
        since = request.query_params.get("since", "0")
        entries = self._api.journal.since(int(since) if since.isdecimal() else 0)
        return _json(200, {"requests": entries})

    async def about(self, request: Request) -> Response:
        counts = {kind: len(rows) for kind, rows in self._api.cloud.store.rows.items() if rows}
        return _json(200, {**self._about, "resources": counts})

    async def kill(self, request: Request) -> Response:
        """Pull the plug of a server's machine behind the API's back, as a dying host would."""
        number = request.path_params["id"]
        cloud = self._api.cloud
        if number not in cloud.store.rows.get("server", {}):
            wrong = ApiError("not_found", f"server with ID '{number}' not found")
            return _json(wrong.status, wrong.body())
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._api.threads, cloud.machines.power_off, number)
        return _json(200, {"killed": number})

    def routes(self) -> list[StarletteRoute]:
        table = [
            ("/_localcloud/servers/{id:int}/kill", self.kill, ["POST"]),
            ("/_localcloud/faults", self.faults, ["GET", "POST", "DELETE"]),
            ("/_localcloud/requests", self.requests, ["GET"]),
            ("/_localcloud/about", self.about, ["GET"]),
        ]
        return [StarletteRoute(path, no_page(endpoint), methods=methods) for path, endpoint, methods in table]


def create_app(
    cloud: Cloud,
    token: str,
    limit: RateLimit | None = None,
    journal: Journal | None = None,
    about: dict[str, Any] | None = None,
) -> Starlette:
    """The application; ``token`` is the only one that is accepted. Its lifespan ends its threads, not the cloud."""
    api = Api(cloud, token, limit or RateLimit(), journal or Journal())

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        api.threads.shutdown(wait=True)
        api.journal.close()

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    everything = StarletteRoute("/{rest:path}", api.__call__, methods=methods)
    return Starlette(routes=[*Control(api, about or {}).routes(), everything], lifespan=lifespan)
