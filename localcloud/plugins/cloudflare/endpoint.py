"""Which API the plugin may speak to: one on this machine, and no other."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

REAL_ENDPOINT = "https://api.cloudflare.com/client/v4"
_EXAMPLE = "http://127.0.0.1:8471/client/v4"


def refusal(endpoint: str) -> str | None:
    """Why an endpoint is refused, or None: this plugin is a stand-in and must never reach a real account."""
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return f"{endpoint!r} is no URL; use for example {_EXAMPLE}"
    if parts.scheme not in ("http", "https") or not host:
        return f"{endpoint!r} is no http or https URL; use for example {_EXAMPLE}"
    if _is_loopback(host):
        return None
    return (
        f"{endpoint} is not on this machine, and this cloudflare plugin is a stand-in that serves only an embedded "
        "Cloudflare on loopback: set cloudflare:baseUrl (or CLOUDFLARE_BASE_URL) to its address, for example "
        f"{_EXAMPLE}; for a real account install Pulumi's own plugin: pulumi plugin install resource cloudflare"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
