"""Notifications: which policies a change concerns, and how they go out. Nothing leaves this machine.

E-mails become lines of ``outbox.jsonl``; webhooks are sent to loopback only.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from localcloud.cloudflare.edge import origins
from localcloud.cloudflare.edge.messages import Headers, Request, chunks
from localcloud.cloudflare.edge.upstream import OriginError, Upstream
from localcloud.cloudflare.routing import hex_id, now
from localcloud.cloudflare.store import Row, Transaction

HEALTH = "health_check_status_notification"
HISTORY = "alert_history"
MAX_HISTORY = 1000


@dataclass(frozen=True)
class Notice:
    """One message to one recipient, as it is kept in the history."""

    row: Row
    subject: str
    data: dict[str, Any]
    webhook: Row | None = None


def health_changed(tx: Transaction, account: str, zone: Row, check: Row, reason: str) -> list[Notice]:
    """Note that a check's status is another; the notices to deliver once that is written."""
    status = str(check["status"]).capitalize()
    subject = f"Health check {check['name']} is {status}"
    text = f"{subject}. Zone: {zone['name']}. Address: {check['address']}." + (f" Reason: {reason}." if reason else "")
    data = {
        "health_check_id": check["id"], "name": check["name"], "status": status, "reason": reason,
        "address": check["address"], "zone": zone["name"], "time": now(),
    }  # fmt: skip
    notices = []
    for policy in tx.all("alert_policy", account):
        if policy["alert_type"] == HEALTH and policy["enabled"] and _concerns(policy, zone, check, status):
            notices += _notices(tx, account, policy, subject, text, data)
    for extra in tx.all(HISTORY, account)[:-MAX_HISTORY]:
        tx.remove(HISTORY, account, extra["id"])
    return notices


def _concerns(policy: Row, zone: Row, check: Row, status: str) -> bool:
    filters = policy.get("filters") or {}

    def passes(name: str, value: str) -> bool:
        wanted = filters.get(name)
        return not wanted or value.lower() in [str(one).lower() for one in wanted]

    return (
        passes("health_check_id", check["id"])
        and passes("zones", zone["id"])
        and passes("status", status)
        and passes("new_health", status)
    )


def _notices(tx: Transaction, account: str, policy: Row, subject: str, text: str, data: dict[str, Any]) -> list[Notice]:
    found = []
    for mechanism, kind in (("email", "email"), ("webhooks", "webhook"), ("pagerduty", "pagerduty")):
        for one in policy["mechanisms"].get(mechanism, []):
            webhook = tx.get("webhook", account, str(one["id"])) if kind == "webhook" else None
            row: Row = {
                "id": hex_id(), "name": policy["name"], "description": policy.get("description") or "",
                "alert_type": policy["alert_type"], "alert_body": text, "policy_id": policy["id"], "sent": now(),
                "mechanism": webhook["url"] if webhook else str(one["id"]), "mechanism_type": kind,
            }  # fmt: skip
            tx.put(HISTORY, account, row["id"], row)
            found.append(Notice(row, subject, data, webhook))
    return found


async def deliver(upstream: Upstream, outbox: Path, account: str, notice: Notice) -> str:
    """Send a notice; what went wrong, empty if nothing did."""
    row = notice.row
    if row["mechanism_type"] == "email":
        _post(outbox, notice)
        return ""
    if notice.webhook is None:
        return f"{row['mechanism_type']} is not served here"
    body = json.dumps(
        {
            "name": row["name"], "text": row["alert_body"], "data": notice.data, "ts": int(time.time()),
            "account_id": account, "policy_id": row["policy_id"], "alert_type": row["alert_type"],
        }
    ).encode()  # fmt: skip
    return await _hook(upstream, notice.webhook, body)


def _post(outbox: Path, notice: Notice) -> None:
    row = notice.row
    line = {
        "time": row["sent"], "to": row["mechanism"], "subject": notice.subject, "text": row["alert_body"],
        "alert_type": row["alert_type"], "policy_id": row["policy_id"],
    }  # fmt: skip
    with os.fdopen(os.open(outbox, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        file.write(json.dumps(line) + "\n")


async def _hook(upstream: Upstream, webhook: Row, body: bytes) -> str:
    url = urlsplit(webhook["url"])
    host = url.hostname or ""
    if not origins.is_loopback(host):
        return f"{host} is not on this machine, and nothing is sent off it"
    headers = Headers([(b"host", url.netloc.encode()), (b"content-type", b"application/json"),
                       (b"content-length", str(len(body)).encode())])  # fmt: skip
    if webhook.get("_secret"):
        headers.set("cf-webhook-auth", webhook["_secret"])
    address = "127.0.0.1" if host == "localhost" else host
    port = url.port or (443 if url.scheme == "https" else 80)
    request = Request(
        "POST", url.scheme, host, url.netloc, url.path or "/", url.query, headers, "127.0.0.1", "1.1", chunks(body)
    )
    tls = "full" if url.scheme == "https" else None
    try:
        response = await upstream.to_origin(address, port, request, headers, tls=tls, server_name=host)
    except OriginError as error:
        return str(error)
    await response.aclose()
    return "" if response.status < 300 else f"it answered {response.status}"
