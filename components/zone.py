"""The zone's settings: how browsers and Cloudflare talk with each other, for every host name of the zone at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_cloudflare as cloudflare

HSTS_SECONDS = 180 * 24 * 3600

SETTINGS: dict[str, Any] = {
    # Origins show a certificate that Cloudflare checks, or get no request.
    "ssl": "strict",
    "always_use_https": "on",
    "min_tls_version": "1.2",
    "tls_1_3": "on",
    # Seconds; 0 leaves the origin's own Cache-Control to browsers, in the place of four hours at least.
    "browser_cache_ttl": 0,
    # All members, and below this very name: less, and the provider sees a change at each run.
    "security_header": {
        "strict_transport_security": {
            "enabled": True,
            "max_age": HSTS_SECONDS,
            # Each host name of the zone that Cloudflare serves says it for itself. Browsers would hold the rest to it
            # too, and other names of a shop's domain (a mail host, a partner's page) may have no TLS.
            "include_subdomains": False,
            # A preloaded name stays so for months, whoever asks to have it taken off the list.
            "preload": False,
            "nosniff": True,
        }
    },
}
"""Values as the API takes and tells them: versions are text, seconds are numbers."""


@dataclass(frozen=True)
class ZoneArgs:
    zone_id: str
    owned: bool
    """Whether this stack is the one that has the zone's settings and rules; it declares none otherwise."""


class Zone(pulumi.ComponentResource):
    """A zone that is there already. What it can have only once is declared by the one stack that owns it."""

    zone_id: str
    owned: bool

    def __init__(self, name: str, args: ZoneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:Zone", name, None, opts)
        self.zone_id = args.zone_id
        self.owned = args.owned
        for setting, value in SETTINGS.items() if args.owned else ():
            cloudflare.ZoneSetting(
                f"{name}-{setting.replace('_', '-')}",
                zone_id=args.zone_id,
                setting_id=setting,
                value=value,
                # Of an object the provider sends the changed members alone, and what Cloudflare makes of the others is
                # not told: made again, which deletes nothing, the setting is sent whole.
                opts=pulumi.ResourceOptions(
                    parent=self, replace_on_changes=["value"] if isinstance(value, dict) else None
                ),
            )
        self.register_outputs({"zoneId": args.zone_id, "owned": args.owned})
