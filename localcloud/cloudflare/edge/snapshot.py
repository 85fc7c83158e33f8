"""Everything the edge needs to know, as plain data: who assembles it from an account's state need not know the edge.

Rulesets and settings keep the API's own form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.cloudflare.dataplane.interface import Access
from localcloud.cloudflare.runtime.model import Program


@dataclass(frozen=True)
class Zone:
    """A zone and its settings by id (``ssl``, ``always_use_https``, ``security_header``, ``browser_cache_ttl``…)."""

    id: str
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CustomDomain:
    """A host name whose origin is a Worker."""

    hostname: str
    worker: str


@dataclass(frozen=True)
class Route:
    """A pattern of a zone (``shop.example.com/*``) that a Worker runs in front of; without one, Workers stay out."""

    zone_id: str
    pattern: str
    worker: str | None = None


@dataclass(frozen=True)
class Record:
    """An A, AAAA or CNAME record; ``name`` is fully qualified and may start with ``*.``."""

    zone_id: str
    name: str
    type: str
    content: str
    proxied: bool = True


@dataclass(frozen=True)
class Share:
    """A version and the part of a deployment's requests that it gets, in per cent."""

    version_id: str
    percentage: float


@dataclass(frozen=True)
class Deployment:
    """How a Worker's requests are split between versions."""

    id: str
    worker: str
    versions: tuple[Share, ...]


@dataclass(frozen=True)
class Ruleset:
    """A zone's rules in a phase, as the API holds them: ``{ref, action, expression, enabled, action_parameters}``."""

    zone_id: str
    phase: str
    rules: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Purge:
    """What of a zone was to be forgotten, in the API's own form: ``purge_everything``, ``files``, ``tags``…"""

    id: str
    zone_id: str
    what: Mapping[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """One state of everything.

    ``origin_authorities`` are PEM certificates that ``ssl: strict`` trusts besides the system's.
    """

    zones: tuple[Zone, ...] = ()
    custom_domains: tuple[CustomDomain, ...] = ()
    routes: tuple[Route, ...] = ()
    records: tuple[Record, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    rulesets: tuple[Ruleset, ...] = ()
    origin_authorities: tuple[str, ...] = ()
    program: Program = field(default_factory=Program)
    access: Access = field(default_factory=Access)
    purges: tuple[Purge, ...] = ()
    """The last ones; each is done once."""
