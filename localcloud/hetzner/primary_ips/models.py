"""Requests about primary IPs."""

from __future__ import annotations

from typing import Literal

from localcloud.hetzner.fields import Body, Labels, Name, Reference, Update


class CreatePrimaryIp(Body):
    name: Name
    type: Literal["ipv4", "ipv6"]
    labels: Labels | None = None
    location: Reference | None = None
    assignee_type: Literal["server", "unassigned"] | None = None
    assignee_id: int | None = None
    auto_delete: bool | None = None


class UpdatePrimaryIp(Update):
    auto_delete: bool | None = None


class Assign(Body):
    assignee_type: Literal["server"]
    assignee_id: int
