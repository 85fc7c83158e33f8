"""Labels on everything that the program makes in a Hetzner project, and the selector that finds it again."""

from __future__ import annotations

from components.settings import PROJECT

Labels = dict[str, str]


def labels(environment: str, role: str = "") -> Labels:
    """Labels of a resource of that environment and role (medusa, database, redis; none for what all share)."""
    found = {"project": PROJECT, "environment": environment}
    return found | {"role": role} if role else found


def selector(environment: str) -> str:
    """A label selector for all of an environment's resources."""
    return ",".join(f"{key}={value}" for key, value in labels(environment).items())
