"""The ids of pulumi-hcloud: `.id` is a string, most fields that take an id want a whole number."""

from __future__ import annotations

import pulumi


def as_int(identifier: pulumi.Output[str]) -> pulumi.Output[int]:
    """The number that fields such as `server_id` and `placement_group_id` take; unknown while the id is.

    Not for a subnet's id ("12-10.0.1.0/24", a string wherever it is asked for), nor for the id of a service's load
    balancer, which stays a string.
    """
    return identifier.apply(int)
