"""Permission groups: what tokens may be allowed. Ids follow from names, except those that are well known."""

from __future__ import annotations

import hashlib

ACCOUNT = "com.cloudflare.api.account"
ZONE = "com.cloudflare.api.account.zone"
USER = "com.cloudflare.api.user"
BUCKET = "com.cloudflare.edge.r2.bucket"

READ_WRITE: tuple[tuple[str, str], ...] = (
    ("Workers Scripts", ACCOUNT), ("Workers KV Storage", ACCOUNT), ("Workers R2 Storage", ACCOUNT),
    ("Workers Tail", ACCOUNT), ("Workers Observability", ACCOUNT), ("Cloudflare Images", ACCOUNT), ("Images", ACCOUNT),
    ("Notifications", ACCOUNT), ("Access: Apps and Policies", ACCOUNT), ("Access: Service Tokens", ACCOUNT),
    ("Access: Organizations, Identity Providers, and Groups", ACCOUNT), ("Cloudflare Tunnel", ACCOUNT),
    ("Account Rulesets", ACCOUNT), ("Account Settings", ACCOUNT), ("Account API Tokens", ACCOUNT),
    ("Account Analytics", ACCOUNT), ("D1", ACCOUNT), ("Queues", ACCOUNT), ("Pages", ACCOUNT),
    ("DNS", ZONE), ("Zone", ZONE), ("Zone Settings", ZONE), ("Zone WAF", ZONE), ("Workers Routes", ZONE),
    ("Health Checks", ZONE), ("SSL and Certificates", ZONE), ("Cache Settings", ZONE), ("Transform Rules", ZONE),
    ("Zone Transform Rules", ZONE), ("Dynamic URL Redirects", ZONE), ("Config Settings", ZONE), ("Origin", ZONE),
    ("Page Rules", ZONE), ("Load Balancers", ZONE), ("Logs", ZONE), ("Firewall Services", ZONE),
    ("Managed headers", ZONE), ("Response Compression", ZONE), ("Snippets", ZONE),
    ("API Tokens", USER), ("User Details", USER), ("Memberships", USER),
    ("Workers R2 Storage Bucket Item", BUCKET),
)  # fmt: skip
SINGLE: tuple[tuple[str, str], ...] = (
    ("Cache Purge", ZONE),
    ("Analytics Read", ZONE),
    ("Access: Audit Logs Read", ACCOUNT),
)
KNOWN = {
    "Workers R2 Storage Bucket Item Write": "2efd5506f9c8494dacb1fa10a3e7d5b6",
    "Workers R2 Storage Bucket Item Read": "6a018a9f2fc74eb6b293b0c548f38b39",
    "Workers R2 Storage Write": "bf7481a1826f439697cb59a20b22293e",
    "Workers R2 Storage Read": "b4992e1108244f5d8bfbd5744320c2e1",
    "Workers Scripts Write": "e086da7e2179491d91ee5f35b3ca210a",
    "Workers Scripts Read": "1a71c399035b4950a1bd1466bbe4f420",
    "DNS Write": "4755a26eedb94da69e1066d98aa820be",
    "DNS Read": "82e64a83756745bbbb1c9c2701bf816b",
    "Zone Read": "c8fed203ed3043cba015a93ad1616f1f",
    "Zone Write": "e6d2666161e84845a636613608cee8d5",
}


def _id(name: str) -> str:
    return KNOWN.get(name) or hashlib.sha256(f"permission group {name}".encode()).hexdigest()[:32]


def _all() -> list[dict[str, object]]:
    found = [(f"{name} {verb}", scope) for name, scope in READ_WRITE for verb in ("Read", "Write")]
    return [{"id": _id(name), "name": name, "scopes": [scope]} for name, scope in sorted([*found, *SINGLE])]


GROUPS = _all()
NAMES: dict[str, str] = {str(group["id"]): str(group["name"]) for group in GROUPS}
