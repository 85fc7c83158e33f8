"""Requests about firewalls."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from localcloud.hetzner.fields import Body, Labels, Name

MAX_RULES = 50
MAX_CIDRS = 100


class Rule(Body):
    direction: Literal["in", "out"]
    protocol: Literal["tcp", "udp", "icmp", "esp", "gre"]
    description: str | None = Field(default=None, max_length=255)
    source_ips: list[str] | None = Field(default=None, max_length=MAX_CIDRS)
    destination_ips: list[str] | None = Field(default=None, max_length=MAX_CIDRS)
    port: str | None = None


class ServerReference(Body):
    id: int


class SelectorReference(Body):
    selector: str = Field(min_length=1, max_length=1000)


class Resource(Body):
    type: Literal["server", "label_selector"]
    server: ServerReference | None = None
    label_selector: SelectorReference | None = None


class CreateFirewall(Body):
    name: Name
    labels: Labels | None = None
    rules: list[Rule] | None = Field(default=None, max_length=MAX_RULES)
    apply_to: list[Resource] | None = None


class SetRules(Body):
    rules: list[Rule] = Field(max_length=MAX_RULES)


class ApplyTo(Body):
    apply_to: list[Resource]


class RemoveFrom(Body):
    remove_from: list[Resource]
