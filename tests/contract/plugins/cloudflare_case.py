"""What a case of a plain resource of the cloudflare plugin says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from localcloud.plugins.base.values import Properties
from tests.contract.plugins.cloudflare_stub import ACCOUNT, ZONE

A = f"/accounts/{ACCOUNT}"
Z = f"/zones/{ZONE}"
ID = f"{1:032x}"


@dataclass
class Case:
    """Inputs, the call and body that make it, a change in place with its call and body, and the call that ends it."""

    kind: str
    inputs: Properties
    made: tuple[str, Any]
    changed: Properties = field(default_factory=dict)
    change: tuple[str, Any] = ("", None)
    ended: str = ""
    """Empty: nothing is sent."""
    id: str = ID
    import_id: str = ""
    replaced_by: Properties = field(default_factory=dict)
    """Changes that need a new one, each on its own."""
