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


def _get_zone_setting(api: Api, args: Properties) -> Properties:
    path = f"/zones/{encoded(args['zoneId'])}/settings/{encoded(args['settingId'])}"
    return _one(api, "getZoneSetting", path, args)


def _get_r2_bucket(api: Api, args: Properties) -> Properties:
    name = args["bucketName"]
    where = args.get("jurisdiction")
    headers = {"cf-r2-jurisdiction": str(where)} if where else None
    answer = api.find(f"/accounts/{encoded(args['accountId'])}/r2/buckets/{encoded(name)}", headers)
    if answer is None:
        raise ProviderError(f"getR2Bucket: nothing is there: 404 Not Found: no bucket is named {name}")
    return args | receive_object("getR2Bucket", result("getR2Bucket"), answer.result) | {"id": name}


def _get_images(api: Api, args: Properties) -> Properties:
    """The one list whose page is an object with the things in it."""
    found = api.get(f"/accounts/{encoded(args['accountId'])}/images/v1", creator=args.get("creator"))
    kind = item(result("getImages")["results"].kind)
    things = list(found.get("images") or [])[: int(args.get("maxItems") or _MOST)]
    shown = receive_object(kind[1:], fields(kind) or {}, {"images": things})
    return args | {"results": [shown], "id": "-".join(["all", *(str(thing.get("id")) for thing in things)])}


def _listed(name: str, path: str, *, one_page: bool = False, asks_zone: bool = False) -> CloudflareFunction:
    """A function that lists ``path``, in which {owner} is the zone or the account that the arguments name.

    ``one_page``: the API gives all at once, whatever page is asked for. ``asks_zone``: the zone goes into the query.
    """

    def get(api: Api, args: Properties) -> Properties:
        zone, account = args.get("zoneId"), args.get("accountId")
        if "{owner}" in path and bool(zone) == bool(account):
            raise ProviderError(f"{name}: give exactly one of accountId and zoneId")
        owner = f"zones/{encoded(zone)}" if zone else f"accounts/{encoded(account)}"
        where = path.format(owner=owner, account=encoded(account), zone=encoded(zone))
        return _many(api, name, where, args, one_page=one_page, zone=zone if asks_zone else None)

    return get


def _one(api: Api, name: str, path: str, args: Properties) -> Properties:
    try:
        found = api.get(path)
    except ApiError as error:
        if error.status == 404:
            raise ProviderError(f"{name}: nothing is there: {error}") from error
        raise
    return args | receive_object(name, result(name), found) | {"id": found["id"]}


def _many(
    api: Api, name: str, path: str, args: Properties, *, one_page: bool = False, zone: str | None = None
) -> Properties:
    kind = item(result(name)["results"].kind)
    chosen = {key: value for key, value in args.items() if key not in ("accountId", "zoneId", "maxItems")}
    if name == "getZones" and "account" in args:
        chosen["account"] = args["account"]
    if zone:
        chosen["zoneId"] = zone
    most = int(args.get("maxItems") or _MOST)
    query = _query(chosen)
    listed = list(api.get(path, **query) or [])[:most] if one_page else api.list(path, most, **query)
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
    "getAccountTokens": _listed("getAccountTokens", "/accounts/{account}/tokens"),
    "getAccounts": _get_accounts,
    "getDnsRecords": _get_dns_records,
    "getHealthchecks": _listed("getHealthchecks", "/zones/{zone}/healthchecks"),
    "getImages": _get_images,
    "getIpRanges": _get_ip_ranges,
    "getNotificationPolicies": _listed(
        "getNotificationPolicies", "/accounts/{account}/alerting/v3/policies", one_page=True
    ),
    "getOriginCaCertificates": _listed("getOriginCaCertificates", "/certificates", asks_zone=True),
    "getR2Bucket": _get_r2_bucket,
    "getRulesets": _listed("getRulesets", "/{owner}/rulesets", one_page=True),
    "getWorkers": _listed("getWorkers", "/accounts/{account}/workers/workers"),
    "getWorkersCustomDomains": _listed(
        "getWorkersCustomDomains", "/accounts/{account}/workers/domains", one_page=True, asks_zone=True
    ),
    "getWorkersKvNamespaces": _listed("getWorkersKvNamespaces", "/accounts/{account}/storage/kv/namespaces"),
    "getZeroTrustAccessApplications": _listed("getZeroTrustAccessApplications", "/{owner}/access/apps"),
    "getZeroTrustAccessGroups": _listed("getZeroTrustAccessGroups", "/{owner}/access/groups"),
    "getZeroTrustAccessServiceTokens": _listed("getZeroTrustAccessServiceTokens", "/{owner}/access/service_tokens"),
    "getZone": _get_zone,
    "getZoneSetting": _get_zone_setting,
    "getZones": _get_zones,
}
