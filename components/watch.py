"""Cloudflare's own look at the API from outside, and who is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components import plan

REGIONS = ["WEU", "ENAM"]
"""Always named: regions that Cloudflare chose would be a change at each run."""


@dataclass(frozen=True)
class WatchArgs:
    account_id: str
    zone_id: str
    environment: str
    plan: str
    """free, pro or business; free has no health checks, and then nothing is declared."""
    api_host: str
    alert_emails: Sequence[str] = ()
    """None: nobody is told."""
    after: Sequence[pulumi.Resource] = ()
    """The instances serve by then: an API that is not there yet, or not any more, would wake somebody."""


class Watch(pulumi.ComponentResource):
    """Asks the API's /health through the edge once a minute, and writes when it fails or is well again.

    A host name that is proxied is asked at the edge, as customers ask. (The load balancer itself is no address for it:
    of certificates, health checks trust those of public authorities only.)
    """

    def __init__(self, name: str, args: WatchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:Watch", name, None, opts)
        watched = plan.limits(args.plan).health_checks > 0
        if watched:
            check = self._check(name, args)
            if args.alert_emails:
                self._notify(name, args, check)
        self.register_outputs({"watched": watched, "notified": list(args.alert_emails) if watched else []})

    def _check(self, name: str, args: WatchArgs) -> cloudflare.Healthcheck:
        return cloudflare.Healthcheck(
            f"{name}-health",
            zone_id=args.zone_id,
            name=f"{args.environment}-api",
            description=f"OpticWorks Store {args.environment}",
            address=args.api_host,
            type="HTTPS",
            check_regions=REGIONS,
            # Seconds. Three data centers in each region ask.
            interval=60,
            timeout=5,
            retries=2,
            # One lost answer wakes nobody.
            consecutive_fails=2,
            consecutive_successes=2,
            suspended=False,
            # All members: what Cloudflare fills in differs from what is not said.
            http_config=cloudflare.HealthcheckHttpConfigArgs(
                method="GET",
                path="/health",
                port=443,
                expected_codes=["200"],
                expected_body="",
                follow_redirects=False,
                allow_insecure=False,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
        )

    def _notify(self, name: str, args: WatchArgs, check: cloudflare.Healthcheck) -> None:
        cloudflare.NotificationPolicy(
            f"{name}-notification",
            account_id=args.account_id,
            name=f"OpticWorks Store {args.environment}: API health",
            description="The API's /health, asked through the edge",
            enabled=True,
            alert_type="health_check_status_notification",
            filters=cloudflare.NotificationPolicyFiltersArgs(
                health_check_ids=[check.id], statuses=["Unhealthy", "Healthy"]
            ),
            # Others are left out: an empty list is told back as none, a change at each run.
            mechanisms=cloudflare.NotificationPolicyMechanismsArgs(
                emails=[cloudflare.NotificationPolicyMechanismsEmailArgs(id=email) for email in args.alert_emails]
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
