"""As many resources as it is told, each with a few inputs, on the SDKs that the store's program imports."""

from __future__ import annotations

import pulumi
import pulumi_command  # noqa: F401  for the time that importing it takes
import pulumi_hcloud  # noqa: F401

for number in range(pulumi.Config().require_int("count")):
    pulumi.CustomResource(
        "noop:index:Thing",
        f"thing-{number}",
        {"name": f"thing-{number}", "labels": {"environment": "production"}, "size": number},
        pulumi.ResourceOptions(version="1.0.0"),
    )
