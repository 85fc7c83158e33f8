"""Access: applications, policies, groups, identity providers and service tokens."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from localcloud.cloudflare.access import organization
from localcloud.cloudflare.access.assemble import policies
from localcloud.cloudflare.collection import Collection
from localcloud.cloudflare.errors import bad_request
from localcloud.cloudflare.routing import Answer, Body, Call, Route, now, public, uuid_id
from localcloud.cloudflare.store import Row
from localcloud.cloudflare.zones.routes import of_host

INVALID = 12130
BASE = "/accounts/{account_id}/access"
DECISIONS = ("allow", "deny", "non_identity", "bypass")
DURATION = re.compile(r"(\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+")
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}


class App(Body):
    name: str | None = None
    domain: str | None = None
    type: str = "self_hosted"
    policies: list[Any] | None = None


class Policy(Body):
    name: str
    decision: str
    include: list[dict[str, Any]]


class Group(Body):
    name: str
    include: list[dict[str, Any]]


class Provider(Body):
    name: str
    type: str
    config: dict[str, Any]


class ServiceToken(Body):
    name: str
    duration: str = "8760h"


FOREVER = "forever"
"""A service token's duration when it never expires."""


def _refuse(message: str, pointer: str) -> Exception:
    return bad_request(f"access.api.error.invalid_request: {message}", INVALID, pointer)


def _duration(text: Any, pointer: str) -> None:
    if not isinstance(text, str) or not DURATION.fullmatch(text):
        raise _refuse(f"'{text}' is not a duration such as 30m or 24h", pointer)


def _rules(call: Call, row: Row) -> None:
    for name in ("include", "exclude", "require"):
        row[name] = row.get(name) or []
        for index, rule in enumerate(row[name]):
            pointer = f"/{name}/{index}"
            if not isinstance(rule, dict) or len([one for one in rule.values() if one is not None]) != 1:
                raise _refuse("a rule has exactly one selector", pointer)
            group = (rule.get("group") or {}).get("id")
            if group and call.tx.get("access_group", call.account, group) is None:
                raise _refuse(f"group '{group}' does not exist", pointer)
            token = (rule.get("service_token") or {}).get("token_id")
            if token and call.tx.get("access_service_token", call.account, token) is None:
                raise _refuse(f"service token '{token}' does not exist", pointer)
    if not row["include"]:
        raise _refuse("include must have at least one rule", "/include")


def _prepare_policy(call: Call, row: Row, former: Row | None) -> None:
    if row["decision"] not in DECISIONS:
        raise _refuse(f"decision '{row['decision']}' is not one of {', '.join(DECISIONS)}", "/decision")
    _rules(call, row)
    row.setdefault("session_duration", "24h")
    _duration(row["session_duration"], "/session_duration")
    row["reusable"] = True


def _show_policy(call: Call, row: Row) -> dict[str, Any]:
    users = [app for _, app in call.tx.everywhere("access_app")
             if any(one.get("id") == row["id"] for one in app["_policies"])]  # fmt: skip
    return {**public(row), "app_count": len(users)}


def _policy_unused(call: Call, row: Row) -> None:
    if _show_policy(call, row)["app_count"]:
        raise _refuse("the policy is in use by an application", "")


def _prepare_group(call: Call, row: Row, former: Row | None) -> None:
    _rules(call, row)


def _prepare_app(call: Call, row: Row, former: Row | None) -> None:
    for name, value in APP.items():
        if row.get(name) is None:
            row[name] = value
    _duration(row["session_duration"], "/session_duration")
    if row["type"] == "self_hosted":
        _check_hosts(call, row)
    sent = row.pop("policies", None)
    if sent is not None or former is None:
        row["_policies"] = [_attached(call, one, index) for index, one in enumerate(sent or [])]
    row["aud"] = former["aud"] if former else secrets.token_hex(32)
    for index, name in enumerate(row.get("allowed_idps") or []):
        if call.tx.get("access_idp", call.account, name) is None:
            raise _refuse(f"identity provider '{name}' does not exist", f"/allowed_idps/{index}")


def _check_hosts(call: Call, row: Row) -> None:
    named = [one.get("uri", "") for one in row.get("destinations") or [] if one.get("type", "public") == "public"]
    domains = [row["domain"]] if row.get("domain") else [*(row.get("self_hosted_domains") or []), *named]
    if not domains:
        raise _refuse("a self-hosted application needs a domain or destinations", "/domain")
    row["domain"] = domains[0]
    row["self_hosted_domains"] = row.get("self_hosted_domains") or named or domains
    row["destinations"] = row.get("destinations") or [{"type": "public", "uri": one} for one in domains]
    for domain in [*domains, *named]:
        host = domain.split("://")[-1].split("/")[0].lower()
        if of_host(call.tx, call.account, host.removeprefix("*.").replace("*", "x")) is None:
            raise _refuse(f"domain {domain} does not belong to a zone of this account", "/domain")


def _attached(call: Call, sent: Any, index: int) -> Row:
    """A policy of an application: a reference to a reusable one (by id), or one of its own."""
    one = {"id": sent} if isinstance(sent, str) else dict(sent)
    precedence = int(one.get("precedence") or index + 1)
    if "include" in one and "decision" in one:
        _rules(call, one)
        return {**one, "id": one.get("id") or uuid_id(), "precedence": precedence, "reusable": False}
    if call.tx.get("access_policy", call.account, str(one.get("id"))) is None:
        raise _refuse(f"policy '{one.get('id')}' does not exist", f"/policies/{index}")
    return {"id": one["id"], "precedence": precedence}


def _show_app(call: Call, row: Row) -> dict[str, Any]:
    return {**public(row), "policies": policies(call.tx, call.account, row)}


def _prepare_provider(call: Call, row: Row, former: Row | None) -> None:
    if row["type"] == "onetimepin" and any(
        other["type"] == "onetimepin" and other["id"] != row["id"] for other in call.tx.all("access_idp", call.account)
    ):
        raise _refuse("there is a one-time PIN provider already", "/type")
    if "client_secret" in row["config"]:
        config = dict(row["config"])
        row["_client_secret"] = config.pop("client_secret")
        row["config"] = config
    team = organization.current(call.tx, call.account)["auth_domain"]
    if row["type"] != "onetimepin":
        row["config"] = {**row["config"], "redirect_url": f"https://{team}/cdn-cgi/access/callback"}
    row.setdefault("scim_config", {"enabled": False})


def _seconds(text: str) -> float:
    found = re.findall(r"(\d+(?:\.\d+)?)([hms])", text)
    return sum(float(number) * UNITS[unit] for number, unit in found)


def _prepare_token(call: Call, row: Row, former: Row | None) -> None:
    row.setdefault("duration", "8760h")
    row["expires_at"] = None
    if row["duration"] != FOREVER:
        _duration(row["duration"], "/duration")
        ends = datetime.now(UTC) + timedelta(seconds=_seconds(row["duration"]))
        row["expires_at"] = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    if former is None:
        row["client_id"] = f"{secrets.token_hex(16)}.access"
        row["_secret"] = secrets.token_hex(32)
        row["_digest"] = hashlib.sha256(row["_secret"].encode()).hexdigest()
    else:
        row["client_id"] = former["client_id"]


def _token_once(call: Call, row: Row) -> dict[str, Any]:
    # From now on only its digest is known.
    secret = row.pop("_secret")
    return {**public(row), "client_secret": secret}


APP: dict[str, Any] = {
    "name": "", "session_duration": "24h", "app_launcher_visible": True, "auto_redirect_to_identity": False,
    "allowed_idps": [], "enable_binding_cookie": False, "http_only_cookie_attribute": True, "tags": [],
    "options_preflight_bypass": False, "type": "self_hosted",
}  # fmt: skip
DATES: dict[str, Any] = {
    "created": "created_at", "modified": "updated_at", "new_id": uuid_id, "invalid": INVALID, "create_status": 201,
}  # fmt: skip


def _apps(path: str) -> Collection:
    return Collection(
        path=path, kind="access_app", model=App, missing=(11021, "access.api.error.unknown_application"),
        prepare=_prepare_app, show=_show_app, **DATES,
    )  # fmt: skip


APPS = (_apps(BASE + "/apps"), _apps("/zones/{zone_id}/access/apps"))
POLICIES = Collection(
    path=BASE + "/policies", kind="access_policy", model=Policy, missing=(11022, "access.api.error.unknown_policy"),
    prepare=_prepare_policy, show=_show_policy, check_unused=_policy_unused, **DATES,
)  # fmt: skip
ACCESS_GROUPS = Collection(
    path=BASE + "/groups", kind="access_group", model=Group, missing=(11023, "access.api.error.unknown_group"),
    prepare=_prepare_group, **DATES,
)  # fmt: skip
PROVIDERS = Collection(
    path=BASE + "/identity_providers", kind="access_idp", model=Provider,
    missing=(11024, "access.api.error.unknown_identity_provider"), prepare=_prepare_provider, **DATES,
)  # fmt: skip
TOKENS = Collection(
    path=BASE + "/service_tokens", kind="access_service_token", model=ServiceToken,
    missing=(11025, "access.api.error.unknown_service_token"), prepare=_prepare_token, shown_once=_token_once, **DATES,
)  # fmt: skip


def rotate(call: Call) -> Answer:
    row = call.tx.edit(TOKENS.kind, call.account, TOKENS.find(call)["id"])
    row["_secret"] = secrets.token_hex(32)
    row.update(_digest=hashlib.sha256(row["_secret"].encode()).hexdigest(), updated_at=now())
    return Answer(_token_once(call, row))


def revoke(call: Call) -> Answer:
    """End every session with an application."""
    found = next(one for one in APPS if ("zone_id" in one.path) == ("zone_id" in call.path))
    row = call.tx.edit(found.kind, found.scope(call), found.find(call)["id"])
    row["_generation"] = uuid_id()
    return Answer({}, status=202)


def refresh(call: Call) -> Answer:
    row = call.tx.edit(TOKENS.kind, call.account, TOKENS.find(call)["id"])
    _prepare_token(call, row, row)
    return Answer(public(row))


ROUTES = [
    *[route for one in (*APPS, POLICIES, ACCESS_GROUPS, PROVIDERS, TOKENS) for route in one.routes()],
    *organization.ROUTES,
    *[Route("POST", f"{one.path}/{{id}}/revoke_tokens", revoke) for one in APPS],
    Route("POST", BASE + "/service_tokens/{id}/rotate", rotate),
    Route("POST", BASE + "/service_tokens/{id}/refresh", refresh),
]
