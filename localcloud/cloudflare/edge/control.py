"""The edge's control socket: ``PUT /snapshot`` is what to serve, ``POST /check`` tries one, ``GET /status`` tells.

``POST /scheduled`` runs a Worker's cron trigger.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localcloud.cloudflare.edge.snapshot import Snapshot
from localcloud.cloudflare.runtime.model import RuntimeFailure

ADAPTER = TypeAdapter(Snapshot)


def encode(snapshot: Snapshot) -> bytes:
    """A snapshot as JSON; modules' bytes in Base64."""
    return ADAPTER.dump_json(snapshot)


def decode(data: bytes) -> Snapshot:
    """The snapshot of its JSON.

    :raises pydantic.ValidationError: it is none.
    """
    return ADAPTER.validate_json(data)


class Served(Protocol):
    """What the control socket controls."""

    @property
    def workerd_pid(self) -> int | None: ...
    async def apply(self, snapshot: Snapshot) -> None: ...
    async def check(self, snapshot: Snapshot) -> None: ...
    async def scheduled(self, worker: str, expression: str, moment: float) -> str: ...


class Control:
    """Answers on the control socket; an error is ``{"error": message}`` with status 400 or 422."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.application = Starlette(
            routes=[
                Route("/snapshot", self._snapshot, methods=["PUT"]),
                Route("/check", self._check, methods=["POST"]),
                Route("/scheduled", self._scheduled, methods=["POST"]),
                Route("/status", self._status, methods=["GET"]),
            ]
        )

    async def _snapshot(self, request: Request) -> Response:
        return await self._do(request, self._served.apply)

    async def _check(self, request: Request) -> Response:
        return await self._do(request, self._served.check)

    async def _do(self, request: Request, what: Callable[[Snapshot], Awaitable[None]]) -> Response:
        try:
            await what(decode(await request.body()))
        except ValidationError as error:
            return JSONResponse({"error": str(error)}, 400)
        except RuntimeFailure as error:
            return JSONResponse({"error": str(error)}, 422)
        return Response(status_code=204)

    async def _scheduled(self, request: Request) -> Response:
        """``{worker, cron, time}`` → ``{outcome}``."""
        told = await request.json()
        try:
            outcome = await self._served.scheduled(told["worker"], told["cron"], told["time"])
        except RuntimeFailure as error:
            return JSONResponse({"error": str(error)}, 422)
        return JSONResponse({"outcome": outcome})

    async def _status(self, _: Request) -> Response:
        return JSONResponse({"workerd": self._served.workerd_pid})
