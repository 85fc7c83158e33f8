"""Notifications: what is told, to whom, and what was."""

from __future__ import annotations

from typing import Any

from localcloud.cloudflare.alerting.notify import HISTORY
from localcloud.cloudflare.collection import Collection
from localcloud.cloudflare.errors import bad_request
from localcloud.cloudflare.routing import Answer, Body, Call, Route, hex_id, public, uuid_id
from localcloud.cloudflare.store import Row

KINDS = {"datadog": "datadoghq.com", "discord": "discord.com", "slack": "slack.com", "opsgenie": "opsgenie.com",
         "feishu": "feishu.cn", "gchat": "chat.googleapis.com"}  # fmt: skip


class Webhook(Body):
    name: str
    url: str
    secret: str | None = None


class Policy(Body):
    name: str
    alert_type: str
    mechanisms: dict[str, Any]
    enabled: bool = True


def _prepare_webhook(call: Call, row: Row, former: Row | None) -> None:
    if not row["url"].startswith(("https://", "http://")):
        raise bad_request("url must begin with https://", 17001, "/url")
    row["type"] = next((kind for kind, host in KINDS.items() if host in row["url"]), "generic")
    if "secret" in row:
        row["_secret"] = row.pop("secret")
    row.setdefault("last_success", None)
    row.setdefault("last_failure", None)


def _show_webhook(call: Call, row: Row) -> dict[str, Any]:
    return {key: value for key, value in row.items() if not key.startswith("_") and key != "updated_at"}


def _prepare_policy(call: Call, row: Row, former: Row | None) -> None:
    mechanisms = {name: list(found) for name, found in row["mechanisms"].items() if found is not None}
    if not any(mechanisms.values()):
        raise bad_request("at least one mechanism is required", 17002, "/mechanisms")
    for index, one in enumerate(mechanisms.get("webhooks", [])):
        if call.tx.get("webhook", call.account, str(one.get("id"))) is None:
            raise bad_request(f"webhook '{one.get('id')}' does not exist", 17003, f"/mechanisms/webhooks/{index}")
    row["mechanisms"] = mechanisms
    row["enabled"] = row.get("enabled") is not False
    for name in ("filters", "description", "alert_interval"):
        if row.get(name) is None:
            row.pop(name, None)


def _check_unused(call: Call, row: Row) -> None:
    for policy in call.tx.all("alert_policy", call.account):
        if any(one.get("id") == row["id"] for one in policy["mechanisms"].get("webhooks", [])):
            raise bad_request(f"the webhook is in use by notification policy '{policy['name']}'", 17004)


WEBHOOKS = Collection(
    path="/accounts/{account_id}/alerting/v3/destinations/webhooks", kind="webhook", model=Webhook,
    missing=(17404, "webhook not found"), invalid=17001, new_id=uuid_id, created="created_at", modified="updated_at",
    prepare=_prepare_webhook, show=_show_webhook, check_unused=_check_unused,
)  # fmt: skip
POLICIES = Collection(
    path="/accounts/{account_id}/alerting/v3/policies", kind="alert_policy", model=Policy,
    missing=(17405, "notification policy not found"), invalid=17002, new_id=hex_id, created="created",
    modified="modified", prepare=_prepare_policy,
)  # fmt: skip


def eligible(call: Call) -> Answer:
    ready = {"eligible": True, "ready": True, "type": ""}
    return Answer({kind: {**ready, "type": kind} for kind in ("email", "webhooks", "pagerduty")})


def history(call: Call) -> Answer:
    """What was sent, newest first; ``since`` and ``before`` are RFC 3339."""
    rows = call.tx.all(HISTORY, call.account)[::-1]
    since, before = call.query.get("since", ""), call.query.get("before", "~")
    return call.page([row for row in rows if since <= row["sent"] < before], public, 25)


ROUTES = [
    Route("GET", "/accounts/{account_id}/alerting/v3/history", history),
    *WEBHOOKS.routes(),
    *POLICIES.routes(),
    Route("GET", "/accounts/{account_id}/alerting/v3/destinations/eligible", eligible),
]
