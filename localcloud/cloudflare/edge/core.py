"""What the edge does with a request, from its arrival to the response."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from email.utils import formatdate

from localcloud.cloudflare.edge import arrival, forwarding, messages, origins, split, worker_errors
from localcloud.cloudflare.edge.access.gate import Gate, Passage
from localcloud.cloudflare.edge.buckets import ORIGIN, Buckets
from localcloud.cloudflare.edge.cache import Cache
from localcloud.cloudflare.edge.compression import Compression
from localcloud.cloudflare.edge.content import MANAGED, Content
from localcloud.cloudflare.edge.messages import Headers, Request, Response
from localcloud.cloudflare.edge.pictures import Pictures
from localcloud.cloudflare.edge.purging import Purges
from localcloud.cloudflare.edge.replay import Replays, volatile_zones
from localcloud.cloudflare.edge.routing import Destination, Table
from localcloud.cloudflare.edge.rules.limits import Limits
from localcloud.cloudflare.edge.rules.phases import RATE_LIMIT, Rules
from localcloud.cloudflare.edge.snapshot import Record, Snapshot, Zone
from localcloud.cloudflare.edge.upstream import OriginError, Upstream
from localcloud.cloudflare.images_service import names
from localcloud.cloudflare.runtime import asset_server
from localcloud.cloudflare.runtime.bindings import Bindings
from localcloud.cloudflare.runtime.capnp import CF_HEADER, SCHEME_HEADER
from localcloud.cloudflare.runtime.model import Assets, ResourceLimit, RuntimeFailure
from localcloud.cloudflare.runtime.runtime import Runtime

TIMEOUT_STATUS = 524
FIRST_SECONDS = 10.0
"""How long requests wait for an edge that has just started to be told what it serves."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ports:
    """Where origins listen: 80 and 443 as Cloudflare takes them; others where a test's origin cannot have these."""

    http: int = 80
    https: int = 443
    public_https: int = 443
    """Where the edge itself answers over TLS: ``always_use_https`` leads there."""


class Edge:
    """Answers requests by the snapshot that was applied last."""

    def __init__(
        self, runtime: Runtime, bindings: Bindings, upstream: Upstream, ports: Ports = Ports(),
        content: Content | None = None, *, gate: Gate,
    ) -> None:  # fmt: skip
        self._runtime = runtime
        self._bindings = bindings
        self._upstream = upstream
        self._ports = ports
        self._table = Table(Snapshot())
        self._told = asyncio.Event()
        self._limits = Limits()
        self._cache = Cache()
        self._purges = Purges()
        content = content or Content(upstream, None)
        self._pictures = Pictures(content, self._cache)
        self._buckets = Buckets(content, self._cache)
        self._compression = Compression()
        self._gate = gate
        self._volatile: frozenset[str] = frozenset()
        self.replays = Replays()

    async def apply(self, snapshot: Snapshot) -> None:
        """Go by this snapshot from now on.

        :raises RuntimeFailure: its Workers do not run; nothing has changed then.
        """
        self._bindings.learn(snapshot.program)
        await self._runtime.apply(snapshot.program)
        await self._upstream.trust(snapshot.origin_authorities)
        self._table = Table(snapshot)
        self._purges.apply(self._table, self._cache, snapshot.purges)
        self._gate.learn(snapshot.access)
        self._volatile = volatile_zones(snapshot)
        self.replays.clear()
        self._told.set()
        await self._upstream.forget_missing_sockets()

    @property
    def table(self) -> Table:
        """What is served now."""
        return self._table

    async def handle(self, request: Request) -> Response:
        """The response; the caller sends and closes it."""
        request.ray = forwarding.new_ray()
        if not self._told.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), FIRST_SECONDS)
        generation = self.replays.generation
        try:
            response = arrival.refuse(request) or await self._respond(request)
        except arrival.TooLong as error:
            response = error.response()
        except OriginError as error:
            response = messages.text(error.status, f"error code: {error.code}\n{error}")
        except ResourceLimit as error:
            logger.error("%s", error)
            response = worker_errors.exceeded()
        except RuntimeFailure as error:
            logger.error("%s", error)
            response = worker_errors.threw()
        if request.caller is None or response.headers.get("content-encoding"):
            await self._compression.apply(request, response)
        if not request.repeatable or generation != self.replays.generation:
            response.source = None
        response.headers.set("server", "cloudflare")
        response.headers.set("cf-ray", f"{request.ray}-{forwarding.COLO}")
        if response.headers.get("date") is None:
            response.headers.set("date", formatdate(usegmt=True))
        return response

    async def _respond(self, request: Request) -> Response:
        table = self._table
        if (own := await self._gate.own(request)) is not None:
            return own
        if request.host == names.HOST:
            return await self._pictures.deliver(request)
        if request.host.endswith(MANAGED):
            return await self._buckets.managed(request)
        destination = table.destination(request.scheme, request.host, request.path)
        if not destination.known:
            return messages.text(
                404, f"No Worker, route or proxied DNS record is declared for the host name {request.host}.\n"
            )
        rules = Rules(table, destination.zone)
        if (
            early := _upgrade(destination.zone, request, self._ports.public_https) or rules.redirect(request)
        ) is not None:
            return early
        forwarding.arrive(request)
        rules.rewrite(request)
        refused = rules.refusal(request) or self._limits.refusal(rules, request)
        if refused is not None:
            return refused
        past_routes = request.caller is not None and request.caller.past_routes
        # A Worker asks what is behind its own zone past the zone's security, or else as anybody does.
        passage = Passage() if past_routes else self._gate.check(request)
        if passage.refusal is not None:
            return passage.refusal
        rules.change_request_headers(request)
        destination = table.destination(request.scheme, request.host, request.path, skip_route=past_routes)
        response = await self._forward(rules, destination, request)
        request.repeatable = request.repeatable and self._constant(rules, request)
        passage.leave(response)
        self._limits.count_response(rules, request, response)
        _promise_tls(destination.zone, request, response)
        rules.change_response_headers(request, response)
        return response

    def _constant(self, rules: Rules, request: Request) -> bool:
        """Whether the zone's rules and Access say the same of the same request the next time."""
        limited = next(rules.matching(RATE_LIMIT, request), None) is not None
        volatile = rules.zone is not None and rules.zone.id in self._volatile
        return not limited and not volatile and not self._gate.guards(request)

    async def _forward(self, rules: Rules, destination: Destination, request: Request) -> Response:
        if request.path.startswith(f"{names.DELIVERY}/"):
            return await self._pictures.deliver(request)
        if request.path.startswith(f"{names.RESIZING}/"):
            return await self._pictures.resize(rules.table, request, self._respond)
        worker = destination.worker or destination.origin_worker
        if worker:
            return await self._to_worker(rules.table, worker, request)
        record = destination.origin
        assert record is not None

        async def fetch(asked: Request) -> Response:
            return await self._to_origin(rules, record, asked)

        zone = rules.zone.settings if rules.zone else {}
        if record.content == ORIGIN:
            return await self._buckets.answer(request, zone, rules.cache_settings(request))
        request.repeatable = True
        return await self._cache.answer(request, zone, rules.cache_settings(request), fetch)

    async def _to_worker(self, table: Table, worker: str, request: Request) -> Response:
        deployment = table.deployment(worker)
        if deployment is None:
            raise RuntimeFailure(f"Worker {worker} has no deployment")
        headers = request.headers
        version = split.choose(deployment, headers.get(split.KEY_HEADER), headers.get(split.OVERRIDE_HEADER))
        if (assets := self._bindings.assets(version)) is not None and (
            static := _static(assets, request, self._runtime.runs(version))
        ):
            request.repeatable = len(deployment.versions) == 1
            return static
        outgoing = forwarding.outgoing(request, request.authority)
        outgoing.set("x-real-ip", request.client_ip)
        outgoing.set(CF_HEADER, forwarding.cf_object(request))
        outgoing.set(SCHEME_HEADER, request.scheme)
        if not self._runtime.alive:
            await self._runtime.ready()
        pid = self._runtime.pid
        try:
            return await self._ask_worker(version, request, outgoing)
        except OriginError as error:
            reads = request.body is None and request.method in ("GET", "HEAD")
            if not reads or error.status == TIMEOUT_STATUS or not await self._runtime.replaced(pid):
                raise
        # workerd was killed in the middle: what only reads is asked again of the one that came.
        return await self._ask_worker(version, request, outgoing)

    async def _ask_worker(self, version: str, request: Request, outgoing: Headers) -> Response:
        async with AsyncExitStack() as stack:
            socket = stack.enter_context(self._runtime.lease(version))
            response = await worker_errors.told(await self._upstream.to_socket(socket, request, outgoing))
            # Closed in reverse order: the connection first, then the hold on the runtime.
            stack.push_async_callback(response.resources.aclose)
            response.resources = stack.pop_all()
        return response

    async def _to_origin(self, rules: Rules, record: Record, request: Request) -> Response:
        zone = rules.zone
        mode = str(zone.settings.get("ssl", "full")) if zone else "full"
        tls = {"off": None, "flexible": None, "full": "full", "strict": "strict", "origin_pull": "strict"}.get(
            mode, "full"
        )
        if tls and mode != "origin_pull" and request.scheme == "http":
            tls = None  # Full, strict or not, answers a plain request over a plain connection
        settings = rules.origin_settings(request)
        origin = settings.get("origin") or {}
        address = origins.address(rules.table, str(origin.get("host") or record.content))
        return await self._upstream.to_origin(
            address,
            origin.get("port") or (self._ports.https if tls else self._ports.http),
            request,
            forwarding.outgoing(request, settings.get("host_header") or request.authority),
            tls=tls,
            server_name=(settings.get("sni") or {}).get("value") or request.host,
        )


def _static(assets: Assets, request: Request, has_script: bool) -> Response | None:
    """A static file, where one comes before the Worker or in its place."""
    if request.method not in ("GET", "HEAD"):
        return None if has_script else messages.text(405, "Method Not Allowed")
    if has_script and asset_server.worker_first(assets, request.path):
        return None
    if (moved := asset_server.moved(assets, request)) is not None:
        return moved
    found = asset_server.find(assets, request.path)
    if found is None and not has_script:
        found = asset_server.not_found(assets, request.path)
        if found is None:
            return messages.text(404, "Not Found")
    return asset_server.respond(assets, request, found) if found else None


def _upgrade(zone: Zone | None, request: Request, port: int) -> Response | None:
    """The redirect of ``always_use_https``."""
    if zone is None or request.scheme != "http" or zone.settings.get("always_use_https") != "on":
        return None
    host = request.host if port == 443 else f"{request.host}:{port}"
    return messages.text(301, "", location=f"https://{host}{request.target}")


def _promise_tls(zone: Zone | None, request: Request, response: Response) -> None:
    """The HSTS field of the zone's ``security_header``."""
    header = (zone.settings.get("security_header") if zone else None) or {}
    promise = header.get("strict_transport_security") or {}
    if request.scheme != "https" or not promise.get("enabled"):
        return
    parts = [f"max-age={promise.get('max_age', 0)}"]
    parts += ["includeSubDomains"] if promise.get("include_subdomains") else []
    parts += ["preload"] if promise.get("preload") else []
    response.headers.set("strict-transport-security", "; ".join(parts))
    if promise.get("nosniff"):
        response.headers.set("x-content-type-options", "nosniff")
