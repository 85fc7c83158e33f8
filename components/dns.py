"""Host names that lead to the origins; those of the storefront's Worker make their own records."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

NOWHERE = "100::"
"""The discard prefix (RFC 6666): what Cloudflare answers for itself needs no origin behind the name."""

AUTOMATIC = 1
"""Seconds; the only TTL of a record that Cloudflare proxies."""


@dataclass(frozen=True)
class DnsArgs:
    zone_id: str
    environment: str
    api_host: str
    metrics_host: str
    balancer_ipv4: pulumi.Input[str]


class Dns(pulumi.ComponentResource):
    """The API's name leads to the load balancer, always through Cloudflare."""

    def __init__(self, name: str, args: DnsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:Dns", name, None, opts)
        wanted: dict[str, tuple[str, str, pulumi.Input[str], str]] = {
            "api": (args.api_host, "A", args.balancer_ipv4, "API, to the load balancer"),
            "metrics": (args.metrics_host, "AAAA", NOWHERE, "metrics, no server yet"),
        }
        for part, (host, kind, content, purpose) in wanted.items():
            cloudflare.DnsRecord(
                f"{name}-{part}",
                zone_id=args.zone_id,
                # The full name, as the API tells it: a short one would differ after each refresh.
                name=host,
                type=kind,
                content=content,
                ttl=AUTOMATIC,
                # Unproxied it would show the load balancer's address, and be refused there.
                proxied=True,
                comment=f"OpticWorks Store {args.environment}: {purpose}",
                # Another type is another record, and a name cannot have both at once.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
        self.register_outputs({"apiHost": args.api_host, "metricsHost": args.metrics_host})
