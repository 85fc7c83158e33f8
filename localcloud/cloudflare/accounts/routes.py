"""Accounts, the user, and what is asked about them."""

from __future__ import annotations

from typing import Any

from localcloud.cloudflare.errors import ApiError
from localcloud.cloudflare.routing import Answer, Call, Route
from localcloud.cloudflare.store import Transaction

EMAIL = "local@localhost"
MADE = "2025-01-01T00:00:00Z"
IPV4 = ["127.0.0.0/8"]
IPV6 = ["::1/128"]
"""Where requests of the edge come from: everything here is on loopback."""


def account(call: Call) -> dict[str, Any]:
    name = call.tx.get_meta("account_name", "Local")
    settings = {"enforce_twofactor": False, "abuse_contact_email": None}
    return {"id": call.account, "name": name, "type": "standard", "settings": settings, "created_on": MADE}


def user_id(tx: Transaction, account_id: str) -> str:
    return account_id[::-1]


def listing(call: Call) -> Answer:
    rows = [account(call)]
    if "name" in call.query:
        rows = [row for row in rows if row["name"] == call.query["name"]]
    return call.page(rows, lambda row: row, 20, 50)


def get(call: Call) -> Answer:
    return Answer(account(call))


def put(call: Call) -> Answer:
    name = call.object().get("name")
    if isinstance(name, str) and name:
        call.tx.set_meta("account_name", name)
    return Answer(account(call))


def user(call: Call) -> Answer:
    return Answer({
        "id": user_id(call.tx, call.account), "email": EMAIL, "username": "local", "first_name": "Local",
        "last_name": "User", "telephone": None, "country": None, "zipcode": None, "created_on": MADE,
        "modified_on": MADE, "two_factor_authentication_enabled": False, "suspended": False,
        "has_pro_zones": False, "has_business_zones": True, "has_enterprise_zones": False, "betas": [],
        "organizations": [],
    })  # fmt: skip


def _membership(call: Call) -> dict[str, Any]:
    return {
        "id": user_id(call.tx, call.account), "code": None, "status": "accepted", "account": account(call),
        "api_access_enabled": True, "roles": ["Super Administrator - All Privileges"],
        "permissions": {"zones": {"read": True, "write": True}, "dns_records": {"read": True, "write": True}},
    }  # fmt: skip


def memberships(call: Call) -> Answer:
    return call.page([_membership(call)], lambda row: row, 20, 50)


def membership(call: Call) -> Answer:
    if call.path["id"] != user_id(call.tx, call.account):
        raise ApiError(404, 1003, "Membership not found")
    return Answer(_membership(call))


def ips(call: Call) -> Answer:
    found: dict[str, Any] = {"ipv4_cidrs": IPV4, "ipv6_cidrs": IPV6, "etag": "local"}
    if call.query.get("networks") == "jdcloud":
        found["jdcloud_cidrs"] = []
    return Answer(found)


ROUTES = [
    Route("GET", "/accounts", listing),
    Route("GET", "/accounts/{account_id}", get),
    Route("PUT", "/accounts/{account_id}", put),
    Route("GET", "/user", user),
    Route("GET", "/memberships", memberships),
    Route("GET", "/memberships/{id}", membership),
    Route("GET", "/ips", ips),
]
