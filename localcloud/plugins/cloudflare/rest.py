"""A resource that is a thing behind a REST path: most are nothing but a description."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.values import Properties, Value
from localcloud.plugins.cloudflare.plan import Same

STEP = re.compile(r"{(\w+)}")
"""A property in a path."""

Method = Literal["POST", "PUT", "PATCH"]


@dataclass(frozen=True)
class Rest:
    """What one resource type is to the API. Names are the SDK's, paths are below the base URL.

    Paths have properties in braces; ``{id}`` is the resource's id and ``{scope}`` is ``accounts/{accountId}`` or
    ``zones/{zoneId}``, whichever the program gives.
    """

    name: str
    collection: str
    """Where it is made."""
    item: str = ""
    """Where it is read, changed and deleted; without one, below the collection by its id."""
    id: str = "id"
    """What gives the id: a property, else the answer's key of that name."""
    create: Method = "POST"
    update: Method | None = "PUT"
    delete: bool = True
    """Whether deleting calls the API; else the thing is only forgotten."""
    replace: frozenset[str] | Literal["all"] = frozenset()
    """Properties whose change needs a new resource."""
    import_id: str = ""
    """The form of an id for ``pulumi import``, in the properties' names: ``{zoneId}/{id}``."""
    defaults: Mapping[str, Value] = field(default_factory=dict)
    """What the provider itself fills in and sends."""
    plain: frozenset[str] = frozenset()
    """Optional properties that the provider does not take over from the API: what is there and not asked for is a
    difference."""
    stable: frozenset[str] = frozenset()
    """Outputs that stay over an update."""
    unsent: frozenset[str] = frozenset()
    """Properties that are in no request's body, beside those of the path."""
    query: frozenset[str] = frozenset()
    """Properties that go into the query of the call that makes the thing."""
    texts: frozenset[str] = frozenset()
    """Paths of texts that are JSON and travel as such."""
    kept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Objects, and lists whose items are told apart by name, that hold what the API never tells: those members."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Names in the body that differ from what the type's style makes of them."""
    unordered: frozenset[str] = frozenset()
    same: Mapping[str, Same] = field(default_factory=dict)
    headers: Callable[[Mapping[str, Any]], dict[str, str]] | None = None
    """More headers for every call."""
    outer: str = ""
    """Key below which an answer's result holds the thing, if any."""


def parse_id(about: Rest, id: str) -> tuple[str, Properties]:
    """The id, and the properties of the path, of an id for ``pulumi import``; raises ProviderError."""
    form = about.import_id
    names = STEP.findall(form)
    # The last part takes what is left: a key's name may hold slashes.
    parts = id.split("/", len(names) - 1) if names else []
    optional = names[-1:] == ["jurisdiction"] and len(parts) == len(names) - 1
    if not names or (len(parts) != len(names) and not optional) or not all(parts):
        raise ProviderError(f"unexpected id {id!r} of {about.name}, expected {form or 'none: it cannot be imported'}")
    known: Properties = dict(zip(names, parts, strict=False))
    scope = known.pop("scope", None)
    if scope is not None:
        if scope not in ("accounts", "zones"):
            raise ProviderError(f"unexpected id {id!r} of {about.name}: it starts with accounts or zones")
        known["accountId" if scope == "accounts" else "zoneId"] = known.pop("scopeId")
    return str(known.pop("id", None) or known.get(about.id) or id), known
