"""The storefront in front of an API, with all that a stack can tell it."""

from pathlib import Path

import pulumi

from components.storefront import read
from components.storefront.component import Storefront, StorefrontArgs

config = pulumi.Config()
store = Storefront(
    "storefront",
    StorefrontArgs(
        account_id=config.require("account"),
        zone_id=config.require("zone"),
        environment="local",
        storefront_host="store.localhost",
        status_host="status.store.localhost",
        bundle=read(Path(config.require("bundle")), paid=True, project=Path.cwd()),
        variables={
            "MEDUSA_BACKEND_URL": "https://api.store.localhost:8443",
            # Known only when the backend is seeded.
            "MEDUSA_PUBLISHABLE_KEY": pulumi.Output.from_input("pk_1"),
            "MAINTENANCE": config.get("maintenance"),
            "IMAGES_URL": None,
            "STATUS_HOST": "status.store.localhost",
            "ZEBRA": "last",
        },
        secrets={"ORIGIN_SECRET": config.require_secret("originSecret"), "PASS_SECRET": "p" * 32, "ALPHA": "a" * 32},
        versions=config.get_object("versions") or {},
    ),
)
pulumi.export("worker", store.worker)
pulumi.export("version", store.version)
