"""What the APIs share: a request is answered, or refused in the API's own form, and stands in the journal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from localcloud.common.errors import Refused
from localcloud.common.faults import FaultRequest, Faults
from localcloud.common.guard import Endpoint, no_page, whole_body
from localcloud.common.journal import Journal

THREADS = 8
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


class Api(ABC):
    """Answers requests, and writes each into the journal. Subclasses are the API's own part."""

    prefix: ClassVar[str]
    """What every path begins with; paths here are without it."""
    max_body: ClassVar[int]
    """Bytes of a request's body, at most."""

    def __init__(self, journal: Journal, log: logging.Logger) -> None:
        self.journal = journal
        self.faults = Faults()
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix=log.name)
        self._log = log

    @abstractmethod
    async def answer(self, request: Request, path: str, body: bytes | None, entry: dict[str, Any]) -> Response:
        """The response, or Refused. ``body`` is None if it was too long; what the journal shows goes into ``entry``."""

    @abstractmethod
    def failed(self, message: str) -> Refused:
        """The answer to a request at which this program failed."""

    @abstractmethod
    def finish(self, request: Request, response: Response) -> None:
        """Set the header fields that every answer has."""

    @abstractmethod
    def fault(self, body: bytes | None) -> FaultRequest:
        """The fault that is asked for; raises Refused."""

    @abstractmethod
    def known(self) -> dict[str, Any]:
        """What ``/_localcloud/about`` tells of the state."""

    def path(self, request: Request) -> str:
        """The path below the prefix."""
        return request.url.path.removeprefix(self.prefix)

    async def __call__(self, request: Request) -> Response:
        started = time.perf_counter()
        path = self.path(request)
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        entry: dict[str, Any] = {"time": moment, "method": request.method, "path": path, "query": request.url.query}
        body = await whole_body(request, self.max_body)
        try:
            response = await self.answer(request, path, body, entry)
        except Refused as wrong:
            entry["code"] = wrong.code
            response = refusal(wrong)
        except Exception as wrong:
            self._log.exception("%s %s failed", request.method, path)
            error = self.failed(f"the embedded cloud failed: {type(wrong).__name__}; see its log")
            entry["code"] = error.code
            response = refusal(error)
        self.finish(request, response)
        took = round((time.perf_counter() - started) * 1000, 1)
        agent = request.headers.get("user-agent", "")
        self.journal.add({**entry, "status": response.status_code, "milliseconds": took, "agent": agent})
        return response

    async def asked_fault(self, request: Request, path: str) -> FaultRequest | None:
        """The fault in force for a request, once its delay is over."""
        fault = self.faults.take(request.method, path)
        if fault is not None:
            await asyncio.sleep(fault.delay_seconds)
        return fault


class Control:
    """What is not the real API's: asking for faults, reading the journal, asking whether the daemon is there."""

    def __init__(self, api: Api, about: dict[str, Any]) -> None:
        self._api = api
        self._about = about

    async def faults(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                self._api.faults.add(self._api.fault(await whole_body(request, self._api.max_body)))
            except Refused as wrong:
                return refusal(wrong)
        elif request.method == "DELETE":
            self._api.faults.clear()
        return answer(200, {"faults": self._api.faults.shown()})

    async def requests(self, request: Request) -> Response:
        """``?since=N`` leaves out the first N."""
        since = request.query_params.get("since", "0")
        return answer(200, {"requests": self._api.journal.since(int(since) if since.isdecimal() else 0)})

    async def about(self, request: Request) -> Response:
        return answer(200, {**self._about, **self._api.known()})

    def table(self) -> list[tuple[str, Endpoint, list[str]]]:
        """Path, handler and methods of all of it."""
        return [
            ("/_localcloud/faults", self.faults, ["GET", "POST", "DELETE"]),
            ("/_localcloud/requests", self.requests, ["GET"]),
            ("/_localcloud/about", self.about, ["GET"]),
        ]


def answer(status: int, body: dict[str, Any]) -> Response:
    """JSON without spaces: clients keep the very bytes of free-form values."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return Response(text, status, media_type="application/json")


def refusal(wrong: Refused) -> Response:
    return answer(wrong.status, wrong.body())


def application(api: Api, control: Control) -> Starlette:
    """The ASGI application. Its lifespan ends the API's threads and journal, not the cloud."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        api.threads.shutdown(wait=True)
        api.journal.close()

    own = [Route(path, no_page(endpoint), methods=methods) for path, endpoint, methods in control.table()]
    return Starlette(routes=[*own, Route("/{rest:path}", api.__call__, methods=METHODS)], lifespan=lifespan)
