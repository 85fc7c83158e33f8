"""Who asks, and whether that token may.

The owner's token may do everything. A token made through the API may do what its policies' permission groups say, and
nothing of another resource; which group a path needs is in :data:`NEEDS`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime
from typing import Any

from localcloud.cloudflare.accounts.groups import NAMES
from localcloud.cloudflare.cloud import Cloud
from localcloud.cloudflare.errors import ApiError
from localcloud.cloudflare.store import Row, Transaction

OWNER = "owner"
FORMAT = re.compile(r"[0-9A-Za-z_-]{37,120}")

NEEDS: tuple[tuple[str, str], ...] = (
    (r"/zones/[^/]+/dns_records", "DNS"),
    (r"/zones/[^/]+/settings", "Zone Settings"),
    (r"/zones/[^/]+/workers/routes", "Workers Routes"),
    (r"/zones/[^/]+/healthchecks", "Health Checks"),
    (r"/zones/[^/]+/(managed_headers|rulesets)", "Zone WAF|Transform Rules|Cache Settings|Dynamic URL Redirects"),
    (r"/zones/[^/]+/purge_cache", "Cache Purge"),
    (r"/zones", "Zone"),
    (r"/accounts/[^/]+/workers", "Workers Scripts"),
    (r"/accounts/[^/]+/storage/kv", "Workers KV Storage"),
    (r"/accounts/[^/]+/r2", "Workers R2 Storage"),
    (r"/accounts/[^/]+/images", "Cloudflare Images"),
    (r"/accounts/[^/]+/alerting", "Notifications"),
    (
        r"/accounts/[^/]+/access/(groups|organizations|identity_providers)",
        "Access: Organizations, Identity Providers, and Groups",
    ),
    (r"/accounts/[^/]+/access/service_tokens", "Access: Service Tokens"),
    (r"/accounts/[^/]+/access", "Access: Apps and Policies"),
    (r"/accounts/[^/]+/cfd_tunnel", "Cloudflare Tunnel"),
    (r"/accounts/[^/]+/rulesets", "Account Rulesets"),
    (r"/accounts/[^/]+/tokens/permission_groups", ""),
    (r"/accounts/[^/]+/tokens/verify", ""),
    (r"/accounts/[^/]+/tokens", "Account API Tokens"),
    (r"/accounts(/[^/]+)?", "Account Settings"),
    (r"/user/tokens/(verify|permission_groups)", ""),
    (r"/user/tokens", "API Tokens"),
    (r"/certificates", "SSL and Certificates"),
)
"""Path → the first words of the permission groups that open it, of which one is enough; none: every valid token."""
COMPILED = [(re.compile(pattern + r"(/.*)?"), groups) for pattern, groups in NEEDS]


def digest(value: str) -> str:
    """What is kept of a token's value; it is also the secret of its S3 key pair."""
    return hashlib.sha256(value.encode()).hexdigest()


def owner_id(cloud: Cloud) -> str:
    """The id that the owner's token has itself."""
    return hashlib.sha256(f"id {cloud.token}".encode()).hexdigest()[:32]


def identify(cloud: Cloud, headers: dict[str, str], path: str) -> str:
    """The id of the token that asks; raises 400, 401 and 403 as the API does."""
    if path == "/ips":
        return ""
    given = headers.get("authorization", "")
    if path == "/workers/assets/upload" or path.endswith("/workers/assets/upload"):
        # The upload's own JWT is the credential: the handler checks it.
        return ""
    if not given:
        raise ApiError(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
    scheme, _, value = given.partition(" ")
    value = value.strip()
    if scheme.lower() != "bearer" or not FORMAT.fullmatch(value):
        raise ApiError(400, 6003, "Invalid request headers: Invalid format for Authorization header")
    if secrets.compare_digest(value.encode(), cloud.token.encode()):
        return owner_id(cloud)
    wanted = digest(value)
    with cloud.store.transaction() as tx:
        for _, row in tx.everywhere("token"):
            if secrets.compare_digest(row["_digest"], wanted):
                if not usable(row):
                    break
                return str(row["id"])
    if path.endswith("/tokens/verify"):
        raise ApiError(401, 1000, "Invalid API Token")
    raise ApiError(403, 9109, "Invalid access token")


def usable(row: Row) -> bool:
    """Whether a token is active at this moment."""
    moment = datetime.now(UTC)
    if row.get("status", "active") != "active":
        return False
    begins, ends = row.get("not_before"), row.get("expires_on")
    return not (begins and _time(begins) > moment) and not (ends and _time(ends) < moment)


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def check(cloud: Cloud, identity: str, method: str, path: str) -> None:
    """Raise 403 unless the token's policies open ``path``."""
    if not identity or identity == owner_id(cloud):
        return
    wanted = next((groups for pattern, groups in COMPILED if pattern.fullmatch(path)), None)
    if wanted == "":
        return
    verbs = ("Read", "Write", "Edit") if method in ("GET", "HEAD") else ("Write", "Edit")
    with cloud.store.transaction() as tx:
        allowed = wanted is not None and any(
            name.startswith(f"{group} ") and name.rsplit(" ", 1)[-1] in verbs
            for group in wanted.split("|")
            for name in _granted(tx, identity, path)
        )
    if not allowed:
        names = " or ".join(f"'{group} {verbs[-2]}'" for group in (wanted or "no permission group").split("|"))
        raise ApiError(403, 10000, f"Authentication error: the API token lacks the permission {names}")


def _granted(tx: Transaction, identity: str, path: str) -> list[str]:
    """The names of the permission groups that a token has on what ``path`` names."""
    row: Any = next((row for _, row in tx.everywhere("token") if row["id"] == identity), None)
    names: list[str] = []
    for policy in row["policies"] if row else []:
        granted = [NAMES.get(group["id"], "") for group in policy["permission_groups"]]
        if not _covers(policy.get("resources", {}), path):
            continue
        if policy.get("effect", "allow") == "allow":
            names += granted
        else:
            names = [name for name in names if name not in granted]
    return names


def _covers(resources: dict[str, Any], path: str) -> bool:
    """Whether a policy's resources include the zone, account or bucket of a path."""
    parts = path.strip("/").split("/")
    if len(parts) < 2 or parts[0] not in ("zones", "accounts"):
        return True
    kind = "com.cloudflare.api.account.zone" if parts[0] == "zones" else "com.cloudflare.api.account"
    for name, value in resources.items():
        if name in (f"{kind}.*", f"{kind}.{parts[1]}") and value:
            return True
        # {"com.cloudflare.api.account.ID": {"com.cloudflare.api.account.zone.*": "*"}}: zones of an account.
        if isinstance(value, dict) and kind.endswith("zone") and ({f"{kind}.*", f"{kind}.{parts[1]}"} & value.keys()):
            return True
    return False
