"""The Zero Trust organization: the account has one from the start."""

from __future__ import annotations

from typing import Any

from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Answer, Call, Route, now, uuid_id
from localcloud.cloudflare.store import Row, Transaction

KIND = "access_organization"
TEAM = "access.localhost"
"""Host name of the login pages, in the place of TEAM.cloudflareaccess.com."""
MADE = "2025-01-01T00:00:00Z"


def current(tx: Transaction, account: str) -> Row:
    return tx.get(KIND, account, "organization") or {
        "name": "Local", "auth_domain": TEAM, "session_duration": "24h", "is_ui_read_only": False,
        "auto_redirect_to_identity": False, "allow_authenticate_via_warp": False, "created_at": MADE,
        "updated_at": MADE, "login_design": {},
    }  # fmt: skip


def team(organization: Row) -> str:
    """Host name that serves the login pages: the organization's, unless that is one which browsers find elsewhere."""
    name = str(organization.get("auth_domain") or "").lower()
    return name if name.endswith((".localhost", ".test")) else TEAM


def get(call: Call) -> Answer:
    return Answer(current(call.tx, call.account))


def put(call: Call) -> Answer:
    row: dict[str, Any] = {**current(call.tx, call.account), **call.object(), "updated_at": now()}
    return Answer(call.tx.put(KIND, call.account, "organization", row))


def post(call: Call) -> Answer:
    if call.tx.get(KIND, call.account, "organization") is not None:
        raise ApiError(409, 12132, "access.api.error.conflict: an organization already exists")
    return put(call)


def revoke_user(call: Call) -> Answer:
    """Log a person out of every application; the answer is whether that was done."""
    email = str(call.object().get("email") or "").strip().lower()
    if not email:
        raise bad_request("access.api.error.invalid_request: email is missing", 12130, "/email")
    call.tx.put("access_revocation", call.account, email, {"email": email, "generation": uuid_id()})
    return Answer(True)


PATH = "/accounts/{account_id}/access/organizations"
ROUTES = [Route("GET", PATH, get), Route("PUT", PATH, put), Route("POST", PATH, post),
          Route("POST", PATH + "/revoke_user", revoke_user)]  # fmt: skip
