"""What is asked of Hetzner Cloud before the first resource is declared, and what follows from the answers."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components import lookup
from components.availability import Wanted, unavailable
from components.load_balancer import fitting_type
from components.settings import Problem, Settings, SettingsError

NETWORK_MEMBERS = 100
"""Servers and load balancers that Hetzner attaches to one network by default."""


@dataclass(frozen=True)
class Checked:
    load_balancer_type: str


def run(settings: Settings) -> Checked:
    """Check the settings against the account.

    Raises RunError when a server type is not to be had or a load balancer would be too small, naming alternatives.
    """
    there = lookup.existing(settings.prefix)
    problems = unavailable(
        wanted_servers(settings), settings.location, lookup.offers(), there.server_types, pulumi.get_stack()
    )
    chosen = settings.load_balancer_type
    balancer = chosen or ""
    try:
        balancer = fitting_type(settings.medusa_instances, there.balancer_targets, chosen)
    except ValueError as error:
        fix = f"pulumi config rm loadBalancerType --stack {pulumi.get_stack()}"
        problems.append(Problem("loadBalancerType", chosen, str(error), fix))
    if problems:
        raise pulumi.RunError(str(SettingsError(pulumi.get_stack(), problems)))
    _say_what_is_coming(settings, there, balancer)
    return Checked(load_balancer_type=balancer)


def wanted_servers(settings: Settings) -> list[Wanted]:
    """The servers that the program declares, by the setting that chooses their type."""
    medusa = tuple(f"{settings.prefix}-medusa-{number}" for number in range(1, settings.medusa_instances + 1))
    return [
        Wanted("medusaServerType", settings.medusa_server_type, medusa),
        Wanted("databaseServerType", settings.database_server_type, (f"{settings.prefix}-postgres",)),
        Wanted("redisServerType", settings.redis_server_type, (f"{settings.prefix}-redis",)),
    ]


def _say_what_is_coming(settings: Settings, there: lookup.Existing, balancer: str) -> None:
    later = fitting_type(settings.medusa_instances, 0)
    if settings.load_balancer_type is None and balancer != later:
        pulumi.log.info(
            f"The load balancer stays {balancer} while its {there.balancer_targets} targets leave; "
            f"the next `pulumi up` makes it {later}."
        )
    members = settings.medusa_instances + 3
    if members > NETWORK_MEMBERS:
        pulumi.log.warn(
            f"{settings.medusa_instances} instances make {members} members of one network, and Hetzner attaches "
            f"{NETWORK_MEMBERS} unless it has raised your project's limit."
        )
