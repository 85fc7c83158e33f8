"""A resource that is a thing behind a REST path: most are nothing but a description."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from localcloud.plugins.base.values import Value
from localcloud.plugins.cloudflare.plan import Same

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
    """Lists whose items hold what the API never tells: list → those members; items are told apart by name."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Names in the body that differ from what the type's style makes of them."""
    unordered: frozenset[str] = frozenset()
    same: Mapping[str, Same] = field(default_factory=dict)
    headers: Callable[[Mapping[str, Any]], dict[str, str]] | None = None
    """More headers for every call."""
    outer: str = ""
    """Key below which an answer's result holds the thing, if any."""
