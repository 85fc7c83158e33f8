"""Which API a plugin may speak to: one on this machine, and no other."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Endpoint:
    """A plugin's setting for its API's address."""

    plugin: str
    real: str
    """Address of the real API, which is meant where nothing is set."""
    example: str
    """An address that is accepted."""
    setting: str
    """The setting, and the variable that stands in for it, as an error names them."""
    embedded: str
    owned: str
    """What errors call the embedded API, and what of the real one a user has."""

    def refusal(self, endpoint: str) -> str | None:
        """Why an endpoint is refused, or None: the plugin is a stand-in and must never reach a real account."""
        try:
            parts = urlsplit(endpoint)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            return f"the endpoint is no URL ({error}); use for example {self.example}"
        if parts.scheme not in ("http", "https") or not host:
            return f"{endpoint!r} is no http or https URL; use for example {self.example}"
        if _is_loopback(host):
            return None
        # A name and password that stand in it are not for a log.
        shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return (
            f"{shown} is not on this machine, and this {self.plugin} plugin is a stand-in that serves only "
            f"{self.embedded} on loopback: set {self.setting} to its address, for example {self.example}; "
            f"for a real {self.owned} install Pulumi's own plugin: pulumi plugin install resource {self.plugin}"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
