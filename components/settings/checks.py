"""Rules that hold between several keys. Each names the mistake that it stops.

A check runs when the keys that it reads are themselves right, so that one mistake is reported once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, NamedTuple

from components.settings.keys import Environment, StripeMode
from components.settings.kinds import RFC1918, IPNetwork
from components.settings.sizes import balancer_type

UNSET = "-"
"""In place of a value: none is best."""


class Finding(NamedTuple):
    """What a check found wrong. It may yield the first two or three as a plain tuple."""

    key: str
    """Or the path of one of its values, storefrontVariables.NAME, which then comes with a `fix` of its own."""
    rule: str
    instead: str = ""
    """The value to set; "" when only its owner knows it."""
    fix: str = ""
    """A whole command where setting that one key is not what mends it; {stack} stands for the stack's name."""


Found = Iterator[Finding | tuple[str, str] | tuple[str, str, str]]

Check = Callable[[dict[str, Any]], Found]
CHECKS: list[tuple[tuple[str, ...], Check]] = []

ENVIRONMENTS = frozenset(Environment)
WIDEST_RANGE = {4: 8, 6: 16}
"""Shortest prefix by IP version that still names somebody; anything wider is the internet in pieces."""

INSIDE = (*RFC1918, IPv4Network("127.0.0.0/8"), IPv4Network("169.254.0.0/16"))
"""Ranges that no packet on the internet comes from."""


def check(*attributes: str) -> Callable[[Check], Check]:
    def register(function: Check) -> Check:
        CHECKS.append((attributes, function))
        return function

    return register


def deployed(known: dict[str, Any]) -> bool:
    """Whether the stack is one that strangers reach."""
    return known["environment"] is not Environment.LOCAL


@check("environment", "stack")
def stack_is_its_environment(known: dict[str, Any]) -> Found:
    """A stack file copied from another stack would build one environment under the other's name."""
    stack, environment = known["stack"], known["environment"]
    if stack in ENVIRONMENTS and stack != environment:
        yield "environment", f"must be {stack} in a stack of that name", stack


@check("environment", "stripe_mode")
def mode_fits_environment(known: dict[str, Any]) -> Found:
    """Only production takes real money."""
    wanted = StripeMode.LIVE if known["environment"] is Environment.PRODUCTION else StripeMode.TEST
    if known["stripe_mode"] is not wanted:
        yield "stripeMode", f"must be {wanted} in {known['environment']}", wanted


@check("environment", "stripe_mode", "stripe_api_key")
def key_fits_mode(known: dict[str, Any]) -> Found:
    """A live key in staging charges real cards; a test key in production sells for nothing."""
    mode: StripeMode = known["stripe_mode"]
    actual = known["stripe_api_key"].get_secret_value().split("_", 2)[1]
    if actual != mode.value:
        yield "stripeApiKey", f"is a {actual} key; {known['environment']} uses Stripe in {mode} mode", ""


@check("environment", "database_name", "database_user")
def database_is_the_environments(known: dict[str, Any]) -> Found:
    """A dump restored into the wrong environment's database is how production loses a day of orders."""
    environment, name = known["environment"], known["database_name"]
    others = [other for other in Environment if other != environment and other in name]
    if others:
        yield "databaseName", f"names the environment {others[0]}, and this is {environment}", f"medusa-{environment}"
    if name in ("postgres", "template0", "template1"):
        yield "databaseName", "is a database of PostgreSQL's own", f"medusa-{environment}"
    if known["database_user"] in ("postgres", "public", "none") or known["database_user"].startswith("pg_"):
        yield "databaseUser", "is a name that PostgreSQL keeps for itself", "medusa"


@check("medusa_instances", "load_balancer_type")
def balancer_holds_instances(known: dict[str, Any]) -> Found:
    name, instances = known["load_balancer_type"], known["medusa_instances"]
    if name is not None and instances > (limit := balancer_type(name).targets):
        yield "loadBalancerType", f"holds {limit} targets, and medusaInstances is {instances}", UNSET


@check("medusa_server_type")
def release_runs_on_server(known: dict[str, Any]) -> Found:
    """A release carries its own Node, built for x86-64."""
    if known["medusa_server_type"].startswith("cax"):
        yield "medusaServerType", "is an Arm type, and releases are built for x86-64", "cx23"


@check("ssh_allowed_cidrs")
def somebody_reaches_ssh(known: dict[str, Any]) -> Found:
    """Servers are set up over SSH: with nobody allowed, the first `up` would wait for ever."""
    if not known["ssh_allowed_cidrs"]:
        yield "sshAllowedCidrs", "must hold at least the range that `pulumi up` runs from", "203.0.113.7/32"
    elif not any(network.version == 4 for network in known["ssh_allowed_cidrs"]):
        rule = "must hold an IPv4 range: servers have no IPv6 address, so nobody could reach them"
        yield "sshAllowedCidrs", rule, "203.0.113.7/32"


@check("environment", "ssh_allowed_cidrs")
def ssh_is_reached_from_outside(known: dict[str, Any]) -> Found:
    """A firewall sees the address that the internet sees, never the one that a laptop has in its own network."""
    if not deployed(known):
        return
    ranges = [network for network in known["ssh_allowed_cidrs"] if isinstance(network, IPv4Network)]
    if ranges and all(any(network.subnet_of(inside) for inside in INSIDE) for network in ranges):
        yield (
            "sshAllowedCidrs",
            "holds private ranges only; the public address that `pulumi up` comes from is wanted",
            "203.0.113.7/32",
        )


@check("environment", "ssh_allowed_cidrs", "ssh_from_anywhere")
def ssh_is_not_open_to_all(known: dict[str, Any]) -> Found:
    if known["ssh_from_anywhere"] or not deployed(known):
        return
    wide: list[IPNetwork] = [net for net in known["ssh_allowed_cidrs"] if net.prefixlen < WIDEST_RANGE[net.version]]
    if wide:
        names = ", ".join(str(network) for network in wide)
        yield (
            "sshAllowedCidrs",
            f"opens SSH to the whole internet ({names}); narrow it, or set sshFromAnywhere to true if that is meant",
            "203.0.113.7/32",
        )


@check("environment", "seed_demo_data")
def no_demo_data_in_production(known: dict[str, Any]) -> Found:
    """Demo products would be on sale."""
    if known["environment"] is Environment.PRODUCTION and known["seed_demo_data"]:
        yield "seedDemoData", "must be false in production", "false"


@check("backend_release")
def release_is_there(known: dict[str, Any]) -> Found:
    path: Path = known["backend_release"]
    try:
        there = path.is_file()
    except OSError:  # a name that is too long, a folder that is closed to us
        there = False
    if not there:
        yield (
            "backendRelease",
            "is not there; build it with: scripts/store release build --app PATH/TO/medusa-backend",
            "",
        )


SHARED = (
    "host_key_secret",
    "database_password",
    "redis_durable_password",
    "redis_cache_password",
    "jwt_secret",
    "cookie_secret",
    "origin_secret",
    "pass_secret",
    # Optional ones last: where two are the same, the later one is said to be wrong.
    "origin_secret_previous",
    "pass_secret_previous",
    "staging_origin_secret",
)


def equal_secrets(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Pairs of secrets that are the same text: who learns one has the other. Attributes, later one first."""
    seen: dict[str, str] = {}
    for attribute in SHARED:
        if known.get(attribute) is not None:
            value = known[attribute].get_secret_value()
            if value in seen:
                yield attribute, seen[value]
            seen.setdefault(value, attribute)
