"""Requests about volumes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from localcloud.hetzner.fields import Body, Labels, Reference, Update, VolumeName

Size = Annotated[int, Field(ge=10, le=10240)]
"""GB."""


class CreateVolume(Body):
    size: Size
    name: VolumeName
    labels: Labels | None = None
    automount: bool | None = None
    format: Literal["xfs", "ext4"] | None = None
    location: Reference | None = None
    server: int | None = None


class UpdateVolume(Update):
    name: VolumeName | None = None


class Attach(Body):
    server: int
    automount: bool | None = None


class Resize(Body):
    size: Size
