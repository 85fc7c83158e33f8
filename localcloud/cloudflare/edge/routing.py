"""Which Worker or which origin a request is for; pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from localcloud.cloudflare.edge.snapshot import CustomDomain, Deployment, Record, Route, Ruleset, Snapshot, Zone


@dataclass(frozen=True)
class Pattern:
    """A route's pattern: a host that may start with ``*``, a path that may end with ``*``, a scheme or any."""

    scheme: str | None
    host: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Pattern:
        scheme = None
        if "://" in text:
            scheme, text = text.split("://", 1)
        host, slash, path = text.partition("/")
        return cls(scheme, host.lower(), slash + path if slash else "/")

    def matches(self, scheme: str, host: str, path: str) -> bool:
        if self.scheme and self.scheme not in (scheme, "*"):
            return False
        if self.host.startswith("*"):
            if not host.endswith(self.host[1:]) or (self.host.startswith("*.") and host == self.host[2:]):
                return False
        elif host != self.host:
            return False
        return path.startswith(self.path[:-1]) if self.path.endswith("*") else path == self.path

    @property
    def rank(self) -> tuple[bool, int, int, bool]:
        """The more specific pattern ranks higher: exact host, longer host, longer path, exact path."""
        return (not self.host.startswith("*"), len(self.host), len(self.path.rstrip("*")), not self.path.endswith("*"))


@dataclass(frozen=True)
class Destination:
    """Where a request goes: through ``worker`` if there is one, to ``origin_worker`` or ``origin`` behind it."""

    zone: Zone | None
    worker: str | None = None
    origin_worker: str | None = None
    origin: Record | None = None

    @property
    def known(self) -> bool:
        return bool(self.worker or self.origin_worker or self.origin)


@dataclass
class Table:
    """A snapshot, indexed for look-ups."""

    snapshot: Snapshot
    _domains: dict[str, CustomDomain] = field(init=False)
    _records: dict[str, Record] = field(init=False)
    _routes: list[tuple[Pattern, Route]] = field(init=False)
    _deployments: dict[str, Deployment] = field(init=False)
    _rulesets: dict[tuple[str, str], Ruleset] = field(init=False)

    def __post_init__(self) -> None:
        snapshot = self.snapshot
        self._domains = {domain.hostname.lower(): domain for domain in snapshot.custom_domains}
        self._records = {}
        for record in snapshot.records:
            if record.type in ("A", "AAAA", "CNAME"):
                self._records.setdefault(record.name.lower(), record)
        routes = [(Pattern.parse(route.pattern), route) for route in snapshot.routes]
        self._routes = sorted(routes, key=lambda pair: pair[0].rank, reverse=True)
        self._deployments = {deployment.worker: deployment for deployment in snapshot.deployments}
        self._rulesets = {(ruleset.zone_id, ruleset.phase): ruleset for ruleset in snapshot.rulesets}

    def zone(self, host: str) -> Zone | None:
        """The zone that a host name is in: the longest name wins."""
        found = [zone for zone in self.snapshot.zones if host == zone.name or host.endswith(f".{zone.name}")]
        return max(found, key=lambda zone: len(zone.name), default=None)

    def record(self, host: str) -> Record | None:
        """The record of a name, or the wildcard's that covers it."""
        if host in self._records:
            return self._records[host]
        labels = host.split(".")
        covering = (self._records.get(".".join(["*", *labels[index:]])) for index in range(1, len(labels)))
        return next((record for record in covering if record), None)

    def destination(self, scheme: str, host: str, path: str, *, skip_route: bool = False) -> Destination:
        """Where a request goes.

        A Worker on a route runs before a custom domain's, which is the origin behind it. ``skip_route``: the request
        comes from a Worker on such a route and is for what is behind it.
        """
        zone = self.zone(host)
        domain = self._domains.get(host)
        record = self.record(host)
        if record is not None and not record.proxied:
            record = None
        if domain is None and record is None:
            return Destination(zone)
        worker = None
        if not skip_route:
            for pattern, route in self._routes:
                if zone is not None and route.zone_id == zone.id and pattern.matches(scheme, host, path):
                    worker = route.worker
                    break
        return Destination(zone, worker, domain.worker if domain else None, None if domain else record)

    def worker_zone(self, worker: str) -> Zone | None:
        """The zone that a Worker runs in: of its first custom domain, else of its first route."""
        for domain in self.snapshot.custom_domains:
            if domain.worker == worker:
                return self.zone(domain.hostname.lower())
        identity = next((route.zone_id for route in self.snapshot.routes if route.worker == worker), None)
        return next((zone for zone in self.snapshot.zones if zone.id == identity), None)

    def deployment(self, worker: str) -> Deployment | None:
        return self._deployments.get(worker)

    def ruleset(self, zone: Zone | None, phase: str) -> Ruleset | None:
        return self._rulesets.get((zone.id, phase)) if zone else None
