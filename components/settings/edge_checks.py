"""Rules between keys of the public side: names, zones, plans, people, backups. See `checks`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.alias_generators import to_camel

from components.settings.checks import UNSET, Finding, Found, check, deployed
from components.settings.derived import Known, shares_zone, usual_hosts
from components.settings.keys import Environment
from components.storefront.variables import wrong

HOSTS = (
    ("storefrontHost", "storefront_host"),
    ("apiHost", "api_host"),
    ("metricsHost", "metrics_host"),
    ("statusHost", "status_host"),
    ("stagingStorefrontHost", "staging_storefront_host"),
    ("stagingApiHost", "staging_api_host"),
)
ZONE_AND_HOSTS = ("environment", "domain", "production_domain", *(attribute for _, attribute in HOSTS))


@check("environment", "domain", "production_domain")
def production_owns_its_zone(known: Known) -> Found:
    """Two stacks that each think that they own a zone undo each other's rules."""
    if known["environment"] is Environment.PRODUCTION and known["domain"] != known["production_domain"]:
        yield "productionDomain", f"must be production's own domain, {known['domain']}", known["domain"]


@check(*ZONE_AND_HOSTS)
def hosts_are_in_domain(known: Known) -> Found:
    """DNS records are made in the domain's zone only."""
    domain = known["domain"]
    for key, attribute in HOSTS:
        host = known[attribute]
        if host is not None and host != domain and not host.endswith(f".{domain}"):
            yield key, f"must be {domain} or end in .{domain}", _usual(known, attribute)


@check(*ZONE_AND_HOSTS)
def hosts_differ(known: Known) -> Found:
    """One name for two things would be answered by whichever was declared last."""
    seen: dict[str, str] = {}
    for key, attribute in HOSTS:
        host = known[attribute]
        if host in seen:
            yield key, f"must differ from {seen[host]}", _usual(known, attribute)
        elif host is not None:
            seen[host] = key


@check(*ZONE_AND_HOSTS)
def hosts_are_the_environments(known: Known) -> Found:
    """Staging under production's names would answer customers; production under staging's would not."""
    if not deployed(known) or not (shares_zone(known) or known["environment"] is Environment.PRODUCTION):
        return
    staging = known["environment"] is not Environment.PRODUCTION
    for key, attribute in HOSTS[:4]:
        if ("staging" in known[attribute]) is not staging:
            rule = "must have staging in it in staging" if staging else "is a host of staging, and this is production"
            yield key, rule, _usual(known, attribute)


def _usual(known: Known, attribute: str) -> str:
    """The name that the guide gives it."""
    domain = known["domain"]
    if attribute.startswith("staging_"):
        return f"staging.{domain}" if attribute == "staging_storefront_host" else f"api-staging.{domain}"
    usual = {name: value for _, name, value in usual_hosts(known)}
    if attribute in usual:
        return usual[attribute]
    part = attribute.removesuffix("_host")
    return f"{part}-{known['environment']}.{domain}" if shares_zone(known) else f"{part}.{domain}"


@check("environment", "staging_storefront_host", "staging_api_host", "staging_origin_secret")
def staging_is_carried_whole(known: Known) -> Found:
    """Production declares the zone's rules for staging's names too; without staging's secret its API refuses all."""
    given = {
        "stagingStorefrontHost": known["staging_storefront_host"],
        "stagingApiHost": known["staging_api_host"],
        "stagingOriginSecret": known["staging_origin_secret"],
    }
    if known["environment"] is not Environment.PRODUCTION:
        for key, value in given.items():
            if value is not None:
                yield key, "is a setting of production, which owns the zone that staging shares", UNSET
    elif given["stagingApiHost"] is not None and given["stagingOriginSecret"] is None:
        yield Finding(
            "stagingOriginSecret",
            "must be set where stagingApiHost is: the originSecret of stack staging",
            fix="pulumi config get originSecret --stack staging"
            " | scripts/store secrets set stagingOriginSecret -s {stack}",
        )
    elif given["stagingApiHost"] is None and given["stagingOriginSecret"] is not None:
        yield "stagingApiHost", "must be set where stagingOriginSecret is", ""


@check("cloudflare_images", "images_account_hash")
def images_have_their_address(known: Known) -> Found:
    if known["cloudflare_images"] and known["images_account_hash"] is None:
        rule = "must be set where cloudflareImages is true; it is on the dashboard's page Images, as Account hash"
        yield "imagesAccountHash", rule, ""


@check("environment", "access_admins")
def somebody_enters(known: Known) -> Found:
    """With nobody allowed, the admin pages are closed to those too who would open them."""
    if deployed(known) and not known["access_admins"]:
        yield "accessAdmins", "must hold at least one address, or @domain: who enters the admin pages", ""


@check("access_admins", "access_editors", "access_viewers")
def nobody_lets_the_world_in(known: Known) -> Found:
    """@gmail.com lets everybody with an account there into the shop's admin."""
    for key, attribute in (
        ("accessAdmins", "access_admins"),
        ("accessEditors", "access_editors"),
        ("accessViewers", "access_viewers"),
    ):
        for index, address in enumerate(known[attribute]):
            if address.removeprefix("@") in OPEN_TO_ALL and address.startswith("@"):
                yield Finding(
                    key,
                    f"holds {address}, where anybody can have an address",
                    fix=f"pulumi config set --path '{key}[{index}]' somebody{address} --stack {{stack}}",
                )


OPEN_TO_ALL = frozenset(
    {"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "me.com"}
    | {"aol.com", "gmx.de", "gmx.net", "web.de", "proton.me", "protonmail.com", "mail.com", "yandex.com", "qq.com"}
)
"""Domains of mail services that give an address to anybody."""


@check("environment", "backups_bucket")
def bucket_is_the_environments(known: Known) -> Found:
    """Environments share the account: one bucket for two of them mixes production's dumps with staging's."""
    if not deployed(known):
        return
    environment, name = known["environment"], known["backups_bucket"]
    staging = environment is not Environment.PRODUCTION
    if ("staging" in name) is not staging:
        rule = f"must have staging in it in {environment}" if staging else "is staging's, and this is production"
        yield "backupsBucket", rule, "opticworks-backups-staging" if staging else "opticworks-backups"


@check("backup_lock_days", "backup_retention_days")
def lock_ends_before_retention(known: Known) -> Found:
    """R2 would keep what the lifecycle wants gone: each day one more dump, and nobody may delete any."""
    lock, retention = known["backup_lock_days"], known["backup_retention_days"]
    if lock >= retention:
        days = max(1, min(7, retention - 1))
        if days < retention:
            yield "backupLockDays", f"must be less than backupRetentionDays, which is {retention}", str(days)
        else:
            yield "backupRetentionDays", f"must be more than backupLockDays, which is {lock}", str(lock + 28)


@check("storefront_variables")
def no_secret_is_a_plain_variable(known: Known) -> Found:
    """A plain variable is shown on the dashboard, in the state and in every preview."""
    for name, attribute in _stack_secrets_in_the_clear(known):
        yield Finding(
            "storefrontVariables",
            f"holds the stack's {to_camel(attribute)} in the plain variable {name}",
            fix=_made_secret(name),
        )


@check("storefront_variables", "storefront_secrets", "workers_paid")
def variables_can_be_bound(known: Known) -> Found:
    """The Worker would lack what the program itself binds under that name, or lay open what only looks harmless."""
    said = {name for name, _ in _stack_secrets_in_the_clear(known)}
    for one in wrong(known["storefront_variables"], known["storefront_secrets"], paid=known["workers_paid"]):
        if one.secret and one.name in said:
            continue
        key = "storefrontVariables" if one.plain else "storefrontSecrets"
        path = f"{key}.{one.name}" if one.name else key
        rm = f"pulumi config rm --path '{path}' --stack {{stack}}"
        yield Finding(path, one.rule, fix=_made_secret(one.name) if one.secret else rm)


def _stack_secrets_in_the_clear(known: Known) -> Iterator[tuple[str, str]]:
    """Names of plain variables, each with the attribute of the stack's secret that its text holds."""
    for name, value in known["storefront_variables"].items():
        for attribute, secret in known.items():
            texts = secret.values() if isinstance(secret, dict) else [secret]
            if any(isinstance(text, SecretStr) and _holds(value, text) for text in texts):
                yield name, attribute


def _made_secret(name: str) -> str:
    return (
        f"pulumi config rm --path 'storefrontVariables.{name}' --stack {{stack}} && "
        f"pulumi config set --secret --path 'storefrontSecrets.{name}' --stack {{stack}}"
    )


def _holds(value: str, secret: SecretStr) -> bool:
    """A storefront's secret may be a word such as "on", which says nothing."""
    text = secret.get_secret_value().strip()
    return len(text) >= SHORTEST_SECRET and text in value


SHORTEST_SECRET = 8
"""Characters."""


@check("storefront_bundle")
def bundle_is_there(known: dict[str, Any]) -> Found:
    path: Path = known["storefront_bundle"]
    try:
        there = path.is_dir()
    except (OSError, ValueError):
        there = False
    if not there:
        build = "scripts/store storefront build --app PATH/TO/storefront"
        yield "storefrontBundle", f"is not there, or no directory; build it with: {build}", ""
