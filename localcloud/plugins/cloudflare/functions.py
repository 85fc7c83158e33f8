"""Functions of the plugin (``get…``): what is there already, which a program looks up and never makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.values import Properties
from localcloud.plugins.cloudflare.client import Api, ApiError, encoded
from localcloud.plugins.cloudflare.naming import snake
from localcloud.plugins.cloudflare.shape import receive_object
from localcloud.plugins.cloudflare.tables import fields, item, result

CloudflareFunction = Callable[[Api, Properties], Properties]

_MOST = 1000
"""Things that a list shows unless maxItems says otherwise, as the provider has it."""


def _get_zone(api: Api, args: Properties) -> Properties:
    id, chosen = args.get("zoneId"), args.get("filter") or {}
    if bool(id) == bool(chosen):
        raise ProviderError("getZone: give exactly one of zoneId and filter")
    if not id:
        id = _single(api.list("/zones", 2, **_query(chosen)), f"zone found by {_shown(chosen)}")["id"]
    return _one(api, "getZone", f"/zones/{encoded(id)}", args) | {"zoneId": id}


def _get_account(api: Api, args: Properties) -> Properties:
    id, chosen = args.get("accountId"), args.get("filter") or {}
    if bool(id) == bool(chosen):
        raise ProviderError("getAccount: give exactly one of accountId and filter")
    if not id:
        id = _single(api.list("/accounts", 2, **_query(chosen)), f"account found by {_shown(chosen)}")["id"]
    return _one(api, "getAccount", f"/accounts/{encoded(id)}", args) | {"accountId": id}


def _get_zones(api: Api, args: Properties) -> Properties:
    return _many(api, "getZones", "/zones", args)


def _get_accounts(api: Api, args: Properties) -> Properties:
    return _many(api, "getAccounts", "/accounts", args)


def _get_permission_groups(api: Api, args: Properties) -> Properties:
    path = f"/accounts/{encoded(args['accountId'])}/tokens/permission_groups"
    return _many(api, "getAccountApiTokenPermissionGroupsList", path, args)


def _get_dns_records(api: Api, args: Properties) -> Properties:
    return _many(api, "getDnsRecords", f"/zones/{encoded(args['zoneId'])}/dns_records", args)


def _get_ip_ranges(api: Api, args: Properties) -> Properties:
    found = api.get("/ips", networks=args.get("networks"))
    return args | {"id": found.get("etag"), **receive_object("getIpRanges", result("getIpRanges"), found)}


def _one(api: Api, name: str, path: str, args: Properties) -> Properties:
    try:
        found = api.get(path)
    except ApiError as error:
        if error.status == 404:
            raise ProviderError(f"{name}: nothing is there: {error}") from error
        raise
    return args | receive_object(name, result(name), found) | {"id": found["id"]}


def _many(api: Api, name: str, path: str, args: Properties) -> Properties:
    kind = item(result(name)["results"].kind)
    chosen = {key: value for key, value in args.items() if key not in ("accountId", "zoneId", "maxItems")}
    if name == "getZones" and "account" in args:
        chosen["account"] = args["account"]
    listed = api.list(path, int(args.get("maxItems") or _MOST), **_query(chosen))
    known = fields(kind) or {}
    shown = [receive_object(kind[1:], known, thing) for thing in listed]
    return args | {"results": shown, "id": "-".join(["all", *(str(thing.get("id")) for thing in listed)])}


def _query(chosen: Properties) -> dict[str, Any]:
    """Arguments as a query; nested ones with dots: ``account.id``."""
    query: dict[str, Any] = {}
    for name, value in chosen.items():
        if isinstance(value, dict):
            query |= {f"{snake(name)}.{snake(inner)}": part for inner, part in value.items() if part is not None}
        elif isinstance(value, bool):
            query[snake(name)] = str(value).lower()
        elif isinstance(value, list):
            query["type" if name == "types" else snake(name)] = ",".join(str(part) for part in value)
        elif value is not None:
            query[snake(name)] = value
    return query


def _single(things: list[Properties], what: str) -> Properties:
    if len(things) != 1:
        raise ProviderError(f"{'no' if not things else 'more than one'} {what}; exactly one is needed")
    return things[0]


def _shown(chosen: Properties) -> str:
    return ", ".join(f"{name} {value}" for name, value in _query(chosen).items())


FUNCTIONS: dict[str, CloudflareFunction] = {
    "getAccount": _get_account,
    "getAccountApiTokenPermissionGroupsList": _get_permission_groups,
    "getAccounts": _get_accounts,
    "getDnsRecords": _get_dns_records,
    "getIpRanges": _get_ip_ranges,
    "getZone": _get_zone,
    "getZones": _get_zones,
}
