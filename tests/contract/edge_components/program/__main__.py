"""Every component of the edge, as the program declares them for a stack that owns its zone."""

import pulumi
from pydantic import SecretStr

from components.admin_access import AdminAccess, AdminAccessArgs, Level
from components.backups import Backups, BackupsArgs
from components.dns import Dns, DnsArgs
from components.edge_rules import ApiHost, EdgeRules, EdgeRulesArgs
from components.images import Images, ImagesArgs
from components.origin_certificate import OriginCertificate, OriginCertificateArgs
from components.watch import Watch, WatchArgs
from components.zone import Zone, ZoneArgs

ENVIRONMENT, API, METRICS = "local", "api.store.localhost", "metrics.store.localhost"

config = pulumi.Config()
account, zone = config.require("account"), config.require("zone")
people = config.get_object("editors") or []
plan = config.get("plan") or "pro"

Zone("zone", ZoneArgs(zone, owned=True))
Dns("dns", DnsArgs(zone, ENVIRONMENT, API, METRICS, config.get("balancer") or "198.18.0.1"))
EdgeRules(
    "edge-rules",
    EdgeRulesArgs(zone, ENVIRONMENT, plan, [ApiHost(ENVIRONMENT, API, config.require_secret("originSecret"))]),
)
Images("images", ImagesArgs(account, declared=True))
backups = Backups(
    "backups",
    BackupsArgs(
        account,
        ENVIRONMENT,
        "opticworks-backups",
        "https://s3.example",
        retention_days=config.get_int("retention") or 35,
        protect=False,
    ),
)
access = AdminAccess(
    "admin-access",
    AdminAccessArgs(account, ENVIRONMENT, API, METRICS, {Level.ADMIN: ["@optic.works"], Level.EDITOR: people}),
)
certificate = OriginCertificate(
    "origin-certificate", OriginCertificateArgs(ENVIRONMENT, API, SecretStr(config.require("certificateKey")))
)
Watch("watch", WatchArgs(account, zone, ENVIRONMENT, plan, API, ["oncall@optic.works"]))

pulumi.export("bucket", backups.bucket)
pulumi.export("accessKeyId", backups.access_key_id)
pulumi.export("secretAccessKey", backups.secret_access_key)
pulumi.export("clientSecret", access.client_secret)
pulumi.export("certificateId", certificate.certificate_id)
