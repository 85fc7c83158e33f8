"""The API as an ASGI application."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import secrets
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from localcloud.common import api
from localcloud.common.guard import Endpoint
from localcloud.common.journal import Journal
from localcloud.hetzner import catalogue_routes, faults, fields
from localcloud.hetzner.certificates import routes as certificates
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError, not_found
from localcloud.hetzner.firewalls import routes as firewalls
from localcloud.hetzner.images import routes as images
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
MAX_BODY = 1024 * 1024
"""Bytes of a request's body; the longest that the API's own limits allow (firewall rules) has a quarter of it."""
GROUPS = (catalogue_routes, ssh_keys, networks, placement_groups, firewalls, primary_ips, servers, images, volumes,
          load_balancers, certificates)  # fmt: skip
ROUTER = Router([route for group in GROUPS for route in group.ROUTES])


class Api(api.Api):
    """Answers requests: budget, faults, token, route, handler, journal, in that order."""

    prefix = "/v1"
    max_body = MAX_BODY

    def __init__(self, cloud: Cloud, token: str, limit: RateLimit, journal: Journal) -> None:
        super().__init__(journal, log)
        self.cloud = cloud
        self.token = token
        self.limit = limit

    def failed(self, message: str) -> ApiError:
        return ApiError("server_error", message)

    def finish(self, request: Request, response: Response) -> None:
        response.headers.update({"X-Correlation-Id": secrets.token_hex(8), **self.limit.headers()})

    def fault(self, body: bytes | None) -> faults.FaultRequest:
        return fields.validate(faults.FaultRequest, _parse(body))

    def known(self) -> dict[str, Any]:
        return {"resources": {kind: len(rows) for kind, rows in self.cloud.store.rows.items() if rows}}

    async def answer(self, request: Request, path: str, body: bytes | None, entry: dict[str, Any]) -> Response:
        if not self.limit.take():
            text = f"limit of {self.limit.per_hour} requests per hour reached"
            raise ApiError("rate_limit_exceeded", text)
        fault = await self.asked_fault(request, path)
        error = None if fault is None else faults.error(fault)
        if error is not None:
            raise error
        route, values = ROUTER.match(request.method, path)
        self._authorize(request)
        content = _parse(body)
        entry["body"] = content
        query = request.query_params.multi_items()
        work = functools.partial(self._handle, route.handler, route.before, values, query, content)
        answer = await asyncio.get_running_loop().run_in_executor(self.threads, work)
        response = Response(status_code=204) if answer.body is None else api.answer(answer.status, answer.body)
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


class Control(api.Control):
    """What is not Hetzner's."""

    def __init__(self, api: Api, about: dict[str, Any]) -> None:
        super().__init__(api, about)
        self._cloud, self._threads = api.cloud, api.threads

    async def kill(self, request: Request) -> Response:
        """Pull the plug of a server's machine behind the API's back, as a dying host would."""
        number = request.path_params["id"]
        if number not in self._cloud.store.rows.get("server", {}):
            return api.refusal(not_found("server", number))
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._cloud.machines.power_off, number)
        return api.answer(200, {"killed": number})

    def table(self) -> list[tuple[str, Endpoint, list[str]]]:
        return [("/_localcloud/servers/{id:int}/kill", self.kill, ["POST"]), *super().table()]


def create_app(
    cloud: Cloud,
    token: str,
    limit: RateLimit | None = None,
    journal: Journal | None = None,
    about: dict[str, Any] | None = None,
) -> Starlette:
    """The application; ``token`` is the only one that is accepted. Its lifespan ends its threads, not the cloud."""
    served = Api(cloud, token, limit or RateLimit(), journal or Journal())
    return api.application(served, Control(served, about or {}))
