"""The API as an ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import secrets
import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from localcloud.cloudflare import permissions
from localcloud.cloudflare.cloud import Cloud
from localcloud.cloudflare.edge.access import codes as access_codes
from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.groups import ROUTES
from localcloud.cloudflare.routing import Answer, Call, Raw, Route, Router
from localcloud.cloudflare.watch import run_scheduled
from localcloud.common import api
from localcloud.common.faults import FaultRequest
from localcloud.common.guard import Endpoint
from localcloud.common.journal import Journal

log = logging.getLogger("localcloud.cloudflare")
LOGGED_BYTES = 100_000
MAX_BODY = 300 * 1024 * 1024
"""Bytes: the longest object that R2 takes in one request."""
ROUTER = Router(ROUTES)


class Api(api.Api):
    """Answers requests: faults, token, route, handler, journal, in that order."""

    prefix = "/client/v4"
    max_body = MAX_BODY

    def __init__(self, cloud: Cloud, journal: Journal) -> None:
        super().__init__(journal, log)
        self.cloud = cloud

    def path(self, request: Request) -> str:
        """As it was sent, still percent-encoded."""
        raw: bytes = request.scope.get("raw_path", request.url.path.encode())
        return raw.decode().split("?")[0].removeprefix(self.prefix).rstrip("/") or "/"

    def failed(self, message: str) -> ApiError:
        return ApiError(500, 10000, message)

    def finish(self, request: Request, response: Response) -> None:
        response.headers["cf-ray"] = f"{secrets.token_hex(8)}-LCL"
        if "api-version" in request.headers:
            response.headers["api-version"] = request.headers["api-version"]

    def fault(self, body: bytes | None) -> FaultRequest:
        try:
            return FaultRequest.model_validate(json.loads(body or b""))
        except ValueError as wrong:
            raise bad_request(str(wrong)) from None

    def known(self) -> dict[str, Any]:
        return {
            "account_id": self.cloud.account_id,
            "resources": self.cloud.store.counts(),
            "problems": self.cloud.publisher.problems,
        }

    async def answer(self, request: Request, path: str, body: bytes | None, entry: dict[str, Any]) -> Response:
        if body is None:
            raise ApiError(413, 10013, f"the request's body is longer than {MAX_BODY} bytes")
        fault = await self.asked_fault(request, path)
        if fault is not None and (fault.status is not None or fault.code is not None):
            code = int(fault.code) if fault.code and str(fault.code).isdecimal() else 10000
            raise ApiError(fault.status or 500, code, fault.message)
        kind = request.headers.get("content-type", "")
        entry["body"] = _logged(body, kind)
        headers = {name.lower(): value for name, value in request.headers.items()}
        loop = asyncio.get_running_loop()
        work = functools.partial(self._handle, request.method, path, dict(request.query_params), headers, body)
        return _response(await loop.run_in_executor(self.threads, work))

    def _handle(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> Answer | Raw:
        identity = permissions.identify(self.cloud, headers, path)
        route, values = ROUTER.match(method, path)
        permissions.check(self.cloud, identity, method, path)
        if values.get("account_id", self.cloud.account_id) != self.cloud.account_id:
            raise ApiError(403, 9109, "Unauthorized to access requested resource: there is no such account")
        call = Call(self.cloud, values, query, headers, body, headers.get("content-type", ""), identity)
        return self._run(route, call)

    def _run(self, route: Route, call: Call) -> Answer | Raw:
        if route.free:
            return route.handler(call)
        with self.cloud.store.transaction() as tx:
            call.transaction = tx
            return route.handler(call)


def _response(answer: Answer | Raw) -> Response:
    if isinstance(answer, Raw):
        kind = answer.media_type or None
        return Response(answer.content, answer.status, headers=answer.headers, media_type=kind)
    body = {
        "result": answer.result,
        "success": True,
        "errors": [],
        "messages": [{"code": 10000, "message": text} for text in answer.messages],
    }
    if answer.info is not None:
        body["result_info"] = answer.info
    response = api.answer(answer.status, body)
    response.headers.update(answer.headers)
    return response


def _logged(body: bytes, content_type: str) -> Any:
    """What the journal shows of a body: JSON as it is, of anything else only how much it was."""
    if not body:
        return None
    if len(body) <= LOGGED_BYTES and not content_type.startswith("multipart/"):
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(body)
            if isinstance(found, dict | list):
                return found
    return f"{len(body)} bytes of {content_type or 'unknown type'}"


class Control(api.Control):
    """What is not Cloudflare's."""

    def __init__(self, api: Api, about: dict[str, Any]) -> None:
        super().__init__(api, about)
        self._cloud, self._threads, self._journal = api.cloud, api.threads, api.journal

    async def settled(self, request: Request) -> Response:
        """Answers once traffic is served by what is declared: 200, or 504 after 30 seconds."""
        loop = asyncio.get_running_loop()
        done = await loop.run_in_executor(self._threads, self._cloud.publisher.settle)
        return api.answer(200 if done else 504, {"settled": done, "problems": self._cloud.publisher.problems})

    async def codes(self, request: Request) -> Response:
        """One-time codes of logins that are not too old, oldest first; ``?email=`` names one address."""
        found = access_codes.sent(self._cloud.store.folder, request.query_params.get("email"))
        return api.answer(200, {"codes": found})

    async def scheduled(self, request: Request) -> Response:
        """Run a Worker's cron trigger now: ``{"worker": NAME, "cron": EXPRESSION}`` → ``{"outcome": "ok"}``."""
        try:
            wanted = json.loads(await request.body())
            worker, cron = str(wanted["worker"]), str(wanted.get("cron", "* * * * *"))
        except (ValueError, KeyError, TypeError):
            wrong = bad_request('the body must be {"worker": NAME, "cron": EXPRESSION}')
            return api.refusal(wrong)
        work = functools.partial(run_scheduled, self._cloud, self._journal, worker, cron, time.time())
        outcome = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        return api.answer(200 if outcome == "ok" else 500, {"outcome": outcome})

    def table(self) -> list[tuple[str, Endpoint, list[str]]]:
        return [
            *super().table(),
            ("/_localcloud/scheduled", self.scheduled, ["POST"]),
            ("/_localcloud/settled", self.settled, ["GET"]),
            ("/_localcloud/access/codes", self.codes, ["GET"]),
        ]


def create_app(cloud: Cloud, journal: Journal | None = None, about: dict[str, Any] | None = None) -> Starlette:
    """The application. Its lifespan ends its threads, not the cloud."""
    served = Api(cloud, journal or Journal())
    return api.application(served, Control(served, about or {}))
