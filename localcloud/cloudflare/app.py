"""The API as an ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from localcloud.cloudflare import permissions
from localcloud.cloudflare.cloud import Cloud
from localcloud.cloudflare.edge.access import codes as access_codes
from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.groups import ROUTES
from localcloud.cloudflare.routing import Answer, Call, Raw, Route, Router, now
from localcloud.cloudflare.watch import run_scheduled
from localcloud.common.faults import FaultRequest, Faults
from localcloud.common.guard import no_page, whole_body
from localcloud.common.journal import Journal

log = logging.getLogger("localcloud.cloudflare")
PREFIX = "/client/v4"
THREADS = 8
LOGGED_BYTES = 100_000
MAX_BODY = 300 * 1024 * 1024
"""Bytes: the longest object that R2 takes in one request."""
ROUTER = Router(ROUTES)


class Api:
    """Answers requests: faults, token, route, handler, journal, in that order."""

    def __init__(self, cloud: Cloud, journal: Journal) -> None:
        self.cloud = cloud
        self.journal = journal
        self.faults = Faults()
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="cloudflare-api")

    async def __call__(self, request: Request) -> Response:
        started = time.perf_counter()
        path = request.scope.get("raw_path", request.url.path.encode()).decode().split("?")[0].removeprefix(PREFIX)
        path = path.rstrip("/") or "/"
        entry: dict[str, Any] = {"time": now(), "method": request.method, "path": path, "query": request.url.query}
        body = await whole_body(request, MAX_BODY)
        try:
            if body is None:
                raise ApiError(413, 10013, f"the request's body is longer than {MAX_BODY} bytes")
            response = await self._answer(request, path, body, entry)
        except ApiError as wrong:
            entry["code"] = wrong.code
            response = _json(wrong.status, wrong.body())
        except Exception as wrong:
            log.exception("%s %s failed", request.method, path)
            entry["code"] = 10000
            error = ApiError(500, 10000, f"the embedded cloud failed: {type(wrong).__name__}; see its log")
            response = _json(error.status, error.body())
        response.headers["cf-ray"] = f"{secrets.token_hex(8)}-LCL"
        if "api-version" in request.headers:
            response.headers["api-version"] = request.headers["api-version"]
        took = round((time.perf_counter() - started) * 1000, 1)
        agent = request.headers.get("user-agent", "")
        self.journal.add({**entry, "status": response.status_code, "milliseconds": took, "agent": agent})
        return response

    async def _answer(self, request: Request, path: str, body: bytes, entry: dict[str, Any]) -> Response:
        fault = self.faults.take(request.method, path)
        if fault is not None:
            await asyncio.sleep(fault.delay_seconds)
            if fault.status is not None or fault.code is not None:
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
    response = _json(answer.status, body)
    response.headers.update(answer.headers)
    return response


def _json(status: int, body: dict[str, Any]) -> Response:
    # Without spaces: clients keep the very bytes of free-form values.
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return Response(text, status, media_type="application/json")


def _logged(body: bytes, content_type: str) -> Any:
    """What the journal shows of a body: JSON as it is, of anything else only how much it was."""
    if not body:
        return None
    if len(body) <= LOGGED_BYTES and not content_type.startswith("multipart/"):
        with contextlib.suppress(ValueError):
            found = json.loads(body)
            if isinstance(found, dict | list):
                return found
    return f"{len(body)} bytes of {content_type or 'unknown type'}"


class Control:
    """What is not Cloudflare's: asking for faults, reading the journal, asking whether the data plane has caught up."""

    def __init__(self, api: Api, about: dict[str, Any]) -> None:
        self._api = api
        self._about = about

    async def faults(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                self._api.faults.add(_fault(await request.body()))
            except ApiError as wrong:
                return _json(wrong.status, wrong.body())
        elif request.method == "DELETE":
            self._api.faults.clear()
        return _json(200, {"faults": self._api.faults.shown()})

    async def requests(self, request: Request) -> Response:
        """``?since=N`` leaves out the first N."""
        since = request.query_params.get("since", "0")
        return _json(200, {"requests": self._api.journal.since(int(since) if since.isdecimal() else 0)})

    async def about(self, request: Request) -> Response:
        cloud = self._api.cloud
        known = {
            "account_id": cloud.account_id,
            "resources": cloud.store.counts(),
            "problems": cloud.publisher.problems,
        }
        return _json(200, {**self._about, **known})

    async def settled(self, request: Request) -> Response:
        """Answers once traffic is served by what is declared: 200, or 504 after 30 seconds."""
        loop = asyncio.get_running_loop()
        done = await loop.run_in_executor(self._api.threads, self._api.cloud.publisher.settle)
        return _json(200 if done else 504, {"settled": done, "problems": self._api.cloud.publisher.problems})

    async def codes(self, request: Request) -> Response:
        """One-time codes of logins that are not too old, oldest first; ``?email=`` names one address."""
        found = access_codes.sent(self._api.cloud.store.folder, request.query_params.get("email"))
        return _json(200, {"codes": found})

    async def scheduled(self, request: Request) -> Response:
        """Run a Worker's cron trigger now: ``{"worker": NAME, "cron": EXPRESSION}`` → ``{"outcome": "ok"}``."""
        try:
            wanted = json.loads(await request.body())
            worker, cron = str(wanted["worker"]), str(wanted.get("cron", "* * * * *"))
        except (ValueError, KeyError, TypeError):
            wrong = bad_request('the body must be {"worker": NAME, "cron": EXPRESSION}')
            return _json(wrong.status, wrong.body())
        work = functools.partial(run_scheduled, self._api.cloud, self._api.journal, worker, cron, time.time())
        outcome = await asyncio.get_running_loop().run_in_executor(self._api.threads, work)
        return _json(200 if outcome == "ok" else 500, {"outcome": outcome})

    def routes(self) -> list[StarletteRoute]:
        table = [
            ("/_localcloud/faults", self.faults, ["GET", "POST", "DELETE"]),
            ("/_localcloud/requests", self.requests, ["GET"]),
            ("/_localcloud/about", self.about, ["GET"]),
            ("/_localcloud/scheduled", self.scheduled, ["POST"]),
            ("/_localcloud/settled", self.settled, ["GET"]),
            ("/_localcloud/access/codes", self.codes, ["GET"]),
        ]
        return [StarletteRoute(path, no_page(endpoint), methods=methods) for path, endpoint, methods in table]


def _fault(body: bytes) -> FaultRequest:
    try:
        return FaultRequest.model_validate(json.loads(body))
    except ValueError as wrong:
        raise bad_request(str(wrong)) from None


def create_app(cloud: Cloud, journal: Journal | None = None, about: dict[str, Any] | None = None) -> Starlette:
    """The application. Its lifespan ends its threads, not the cloud."""
    api = Api(cloud, journal or Journal())

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        api.threads.shutdown(wait=True)
        api.journal.close()

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    everything = StarletteRoute("/{rest:path}", api.__call__, methods=methods)
    return Starlette(routes=[*Control(api, about or {}).routes(), everything], lifespan=lifespan)
