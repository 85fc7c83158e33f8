"""What is looked at before the first resource is declared: what will be sent, and what the two clouds say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pydantic.alias_generators import to_snake

from components import plan, storefront
from components.backend import release
from components.first_boot import user_data
from components.hostkeys import host_key
from components.load_balancer import fitting_type
from components.preflight import hetzner
from components.preflight.availability import Wanted, unavailable
from components.preflight.cloudflare import EdgePreflight
from components.preflight.questions import FoundZone
from components.settings import MAX_INSTANCES, Problem, Settings, SettingsError
from components.settings.errors import shown
from components.ssh_access import USER, authorized_keys
from components.storefront import serving

NETWORK_MEMBERS = 100
"""Servers and load balancers that Hetzner attaches to one network by default."""


@dataclass(frozen=True)
class Checked:
    load_balancer_type: str
    zone_id: str
    """Of the Cloudflare zone that the settings name."""
    storefront_bundle: storefront.Bundle
    foreign_deployment: str | None
    """Id of a deployment of the storefront that is served and is not this stack's."""


def run(settings: Settings) -> Checked:
    """Check what the settings name, then the accounts.

    Raises RunError when the release or the storefront's bundle is none, a server's first boot would not fit, a server
    type is not to be had, a load balancer would be too small, the zone or Cloudflare's account is another, or the token
    lacks a permission. What is wrong on this machine is said before anything is asked of the accounts.
    """
    stack = pulumi.get_stack()
    if problems := [*_release(settings), *_first_boot(settings), *storefront.problems(settings, stack)]:
        raise pulumi.RunError(str(SettingsError(stack, problems)))
    there = hetzner.existing(settings.prefix)
    problems = unavailable(wanted_servers(settings), settings.location, hetzner.offers(), there.server_types, stack)
    chosen = settings.load_balancer_type
    balancer = chosen or ""
    try:
        balancer = fitting_type(settings.medusa_instances, there.balancer_targets, chosen)
    except ValueError as error:
        fix = f"pulumi config rm loadBalancerType --stack {pulumi.get_stack()}"
        problems.append(Problem("loadBalancerType", chosen, str(error), fix))
    edge = EdgePreflight(settings, stack)
    problems += edge.problems
    if problems or edge.zone is None:
        raise pulumi.RunError(str(SettingsError(stack, problems)))
    _say_what_is_coming(settings, there, balancer)
    _say_what_is_at_the_edge(settings, edge.zone)
    bundle = storefront.read(settings.storefront_bundle, paid=settings.workers_paid, project=Path.cwd())
    return Checked(
        load_balancer_type=balancer,
        zone_id=edge.zone.id,
        storefront_bundle=bundle,
        foreign_deployment=serving.foreign(settings.cloudflare_account_id, serving.worker_name(settings.prefix)),
    )


def wanted_servers(settings: Settings) -> list[Wanted]:
    """The servers that the program declares, by the setting that chooses their type."""
    medusa = tuple(f"{settings.prefix}-medusa-{number}" for number in range(1, settings.medusa_instances + 1))
    return [
        _wanted("medusaServerType", settings.medusa_server_type, medusa),
        _wanted("databaseServerType", settings.database_server_type, (f"{settings.prefix}-postgres",)),
        _wanted("redisServerType", settings.redis_server_type, (f"{settings.prefix}-redis",)),
    ]


def _wanted(key: str, server_type: str, names: tuple[str, ...]) -> Wanted:
    return Wanted(key, server_type, names, Settings.model_fields[to_snake(key)].default)


def _release(settings: Settings) -> Iterator[Problem]:
    """Found out when the instances are to be told, it would leave a stack of servers with nothing on them."""
    path = settings.backend_release
    try:
        archive = release.read(path)
        if not re.fullmatch(r"[0-9a-f]{16}", archive.digest):
            raise ValueError("its digest is not 16 hexadecimal digits")
    except release.ReleaseError as error:
        # Path and advice are said beside it.
        wrong = str(error).removeprefix(f"{path} ").removesuffix(f"; {release.FIX}")
    except (ValueError, TypeError, AttributeError) as error:
        wrong = f"is not a release archive ({error})"
    else:
        return
    build = '"$(scripts/store release build --app PATH/TO/medusa-backend)"'
    fix = f"pulumi config set backendRelease {build} --stack {pulumi.get_stack()}"
    yield Problem("backendRelease", shown(str(path)), wrong, fix)


def _first_boot(settings: Settings) -> Iterator[Problem]:
    """Operators' keys travel in user_data, which has a limit; the longest name makes the longest one."""
    name = f"{settings.prefix}-medusa-{MAX_INSTANCES}"
    keys = authorized_keys(settings.prefix, settings.ssh_private_key, settings.ssh_public_keys)
    try:
        user_data(name, host_key(settings.host_key_secret.get_secret_value(), name), USER, keys)
    except ValueError as error:
        fix = (
            f"pulumi config rm --path 'sshPublicKeys[{len(settings.ssh_public_keys) - 1}]' --stack {pulumi.get_stack()}"
        )
        yield Problem("sshPublicKeys", f"{len(settings.ssh_public_keys)} keys", str(error), fix)


def _say_what_is_coming(settings: Settings, there: hetzner.Existing, balancer: str) -> None:
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


def _say_what_is_at_the_edge(settings: Settings, zone: FoundZone) -> None:
    """Whoever reads a preview sees what this stack has of the zone, and what nobody declares."""
    pulumi.log.info(plan.owner(settings))
    for line in plan.left_out(settings):
        pulumi.log.info(f"Left out: {line}")
    if zone.status not in ("active", ""):
        pulumi.log.warn(f"Zone {zone.name} is {zone.status}: until its name servers are Cloudflare's, nothing answers.")
