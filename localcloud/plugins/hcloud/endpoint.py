"""Which API the plugin may speak to: one on this machine, and no other."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

REAL_ENDPOINT = "https://api.hetzner.cloud/v1"


def refusal(endpoint: str) -> str | None:
    """Why an endpoint is refused, or None: this plugin is a stand-in and must never reach a real account."""
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"the endpoint is no URL ({error}); use for example http://127.0.0.1:8470/v1"
    if parts.scheme not in ("http", "https") or not host:
        return f"{endpoint!r} is no http or https URL; use for example http://127.0.0.1:8470/v1"
    if _is_loopback(host):
        return None
    # A name and password that stand in it are not for a log.
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return (
        f"{shown} is not on this machine, and this hcloud plugin is a stand-in that serves only an "
        "embedded cloud on loopback: set hcloud:endpoint (or HCLOUD_ENDPOINT) to its address, for example "
        "http://127.0.0.1:8470/v1; for a real Hetzner project install Pulumi's own plugin: "
        "pulumi plugin install resource hcloud"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
