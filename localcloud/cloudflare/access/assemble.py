"""From declared applications to what the edge checks."""

from __future__ import annotations

from localcloud.cloudflare.access import organization
from localcloud.cloudflare.edge.snapshot import Access
from localcloud.cloudflare.routing import public
from localcloud.cloudflare.store import Row, Transaction


def policies(tx: Transaction, account: str, app: Row) -> list[Row]:
    """The policies of an application in the order in which they are tried."""
    found = []
    for one in app["_policies"]:
        row = tx.get("access_policy", account, one["id"]) if "id" in one and "include" not in one else one
        if row is not None:
            found.append({**public(row), "precedence": one["precedence"]})
    return sorted(found, key=lambda one: int(one["precedence"]))


def state(tx: Transaction, account: str) -> Access:
    """Everything that decides who may pass."""
    apps = [app for _, app in tx.everywhere("access_app")]
    found = organization.current(tx, account)
    tokens = tx.all("access_service_token", account)
    return Access(
        team=organization.team(found),
        applications=tuple({**public(app), "policies": policies(tx, account, app)} for app in apps),
        groups=tuple(public(row) for row in tx.all("access_group", account)),
        providers=tuple(public(row) for row in tx.all("access_idp", account)),
        tokens={row["client_id"]: (row["id"], row["_digest"]) for row in tokens},
        token_ends={row["client_id"]: row["expires_at"] for row in tokens if row["expires_at"]},
        session_duration=found.get("session_duration") or "24h",
        account=account,
        generations={
            **{app["aud"]: app["_generation"] for app in apps if "_generation" in app},
            **{row["email"]: row["generation"] for row in tx.all("access_revocation", account)},
        },
    )
