"""Everything the edge needs to know, as plain data: who assembles it from an account's state need not know the edge.

Rulesets and settings keep the API's own form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
class Access:
    """Who may pass before which host names, in the API's own form.

    ``applications`` hold their policies (``policies``: list of rules with include, exclude, require), references to
    ``groups`` by id. ``tokens`` maps a service token's client id to its id and the SHA-256, in hex, of its secret.
    """

    team: str = ""
    """Host name of the login pages, ``TEAM.cloudflareaccess.com``."""
    applications: tuple[Mapping[str, Any], ...] = ()
    groups: tuple[Mapping[str, Any], ...] = ()
    providers: tuple[Mapping[str, Any], ...] = ()
    tokens: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    token_ends: Mapping[str, str] = field(default_factory=dict)
    """Until when (RFC 3339) a service token is good, by client id; those without an end are missing."""
    session_duration: str = "24h"
    """Of a login; each application and policy has its own besides."""
    account: str = ""
    generations: Mapping[str, str] = field(default_factory=dict)
    """By an application's ``aud`` or a person's address: what changes when all tokens of it are revoked."""


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
