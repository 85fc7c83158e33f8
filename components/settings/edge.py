"""The settings of the store's public side: names, Cloudflare's account and plan, storefront, who may enter, backups."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr
from pydantic.alias_generators import to_camel

from components.settings import edge_kinds, kinds
from components.settings.keys import (
    CloudflarePlan,
    Environment,
    Flag,
    Host,
    Key,
    Password,
    flag_key,
    host_key,
    password_key,
)

People = Annotated[tuple[str, ...], BeforeValidator(edge_kinds.addresses(domains=True))]


def _people_key() -> Key:
    return Key("must be a list of e-mail addresses or @domain", "somebody@optic.works", many=True)


class EdgeSettings(BaseModel):
    """What Cloudflare is told. Host names that a stack does not set follow from `domain`: see `derived`."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    environment: Annotated[
        Environment,
        BeforeValidator(kinds.one_of(*Environment)),
        Key("must be local, staging or production", "staging"),
    ]
    domain: Annotated[Host, Key("must be the name of a Cloudflare zone such as optic.works", "optic.works")] = (
        "optic.works"
    )
    production_domain: Annotated[Host, Key("must be the name of production's zone", "optic.works")] = "optic.works"
    storefront_host: Annotated[Host, host_key("staging.optic.works")]
    api_host: Annotated[Host, host_key("api-staging.optic.works")]
    metrics_host: Annotated[Host, host_key("metrics-staging.optic.works")]
    status_host: Annotated[Host, host_key("status-staging.optic.works")]
    public_port: Annotated[
        int, BeforeValidator(kinds.whole_number(1, 65535)), Key("must be a port, 1 to 65535", "443")
    ] = 443

    staging_storefront_host: Annotated[Host | None, host_key("staging.optic.works")] = None
    staging_api_host: Annotated[Host | None, host_key("api-staging.optic.works")] = None
    staging_origin_secret: Annotated[Password | None, password_key(generated=False)] = None

    cloudflare_account_id: Annotated[
        str,
        BeforeValidator(edge_kinds.account_id),
        Key("must be the account's id, 32 hexadecimal digits in small letters", "ACCOUNT_ID"),
    ]
    cloudflare_plan: Annotated[
        CloudflarePlan,
        BeforeValidator(kinds.one_of(*CloudflarePlan)),
        Key("must be free, pro or business, the plan of the zone", "pro"),
    ] = CloudflarePlan.FREE
    workers_paid: Annotated[Flag, flag_key("true")] = False
    cloudflare_images: Annotated[Flag, flag_key("true")] = False
    image_variants_elsewhere: Annotated[Flag, flag_key("true")] = False
    images_account_hash: Annotated[
        str | None,
        BeforeValidator(kinds.matching(r"[A-Za-z0-9_-]{16,64}", "is not such a part")),
        Key("must be the account's part of a delivery URL, imagedelivery.net/THIS/…", "IMAGES_ACCOUNT_HASH"),
    ] = None

    origin_secret: Annotated[Password, password_key()]
    origin_secret_previous: Annotated[Password | None, password_key(generated=False)] = None
    origin_certificate_key: Annotated[
        SecretStr,
        BeforeValidator(edge_kinds.ec_private_key),
        Key("must be a P-256 private key in PEM (PKCS #8), without a passphrase", "", secret=True, generated=True),
    ]
    pass_secret: Annotated[Password, password_key()]
    pass_secret_previous: Annotated[Password | None, password_key(generated=False)] = None

    storefront_bundle: Annotated[
        Path,
        BeforeValidator(edge_kinds.directory),
        Key(
            "must be the path of a directory with the storefront's bundle",
            '"$(scripts/store storefront build --app PATH/TO/storefront)"',
        ),
    ]
    storefront_variables: Annotated[
        dict[str, str],
        BeforeValidator(edge_kinds.variables),
        Key("must be names of variables with their texts", "NAME VALUE", named=True, hidden=True),
    ] = {}
    storefront_secrets: Annotated[
        dict[str, SecretStr],
        BeforeValidator(edge_kinds.variables),
        Key("must be names of variables with their secret texts", "NAME", secret=True, named=True),
    ] = {}
    storefront_versions: Annotated[
        dict[str, float],
        BeforeValidator(edge_kinds.versions),
        Key("must be ids of earlier versions with their percentages of the visits", "VERSION_ID 90", named=True),
    ] = {}
    publishable_key: Annotated[
        str | None,
        BeforeValidator(kinds.matching(r"pk_[A-Za-z0-9_]{8,250}", "is not a publishable key")),
        Key("must be a publishable API key of the store: pk_…", "PUBLISHABLE_KEY", hidden=True),
    ] = None
    maintenance: Annotated[
        str | None,
        BeforeValidator(edge_kinds.maintenance),
        Key("must be a time such as 2026-05-01T14:30Z, or another text for an end that is not known", "on"),
    ] = None

    access_admins: Annotated[People, _people_key()] = ()
    access_editors: Annotated[People, _people_key()] = ()
    access_viewers: Annotated[People, _people_key()] = ()
    alert_emails: Annotated[
        tuple[str, ...],
        BeforeValidator(edge_kinds.addresses(domains=False)),
        Key("must be a list of e-mail addresses", "somebody@optic.works", many=True),
    ] = ()

    backups_bucket: Annotated[
        str,
        BeforeValidator(edge_kinds.bucket),
        Key("must be 3 to 63 small letters, digits and -, a letter or digit at each end", "opticworks-backups-staging"),
    ]
    backup_retention_days: Annotated[
        int,
        BeforeValidator(kinds.whole_number(1, 3650)),
        Key("must be a whole number of days from 1 to 3650", "35"),
    ] = 35
    backup_lock_days: Annotated[
        int,
        BeforeValidator(kinds.whole_number(1, 3650)),
        Key("must be a whole number of days from 1, less than backupRetentionDays", "7"),
    ] = 7
    r2_endpoint: Annotated[
        str,
        BeforeValidator(edge_kinds.url),
        Key("must be the URL of R2's S3 API, without a path", "https://ACCOUNT_ID.r2.cloudflarestorage.com"),
    ]

    @property
    def owns_zone(self) -> bool:
        """Whether this stack declares what the zone can have only once: its settings, and a ruleset for each phase.

        Production always does; another environment does in a zone of its own.
        """
        return self.environment is Environment.PRODUCTION or self.domain != self.production_domain

    @property
    def owns_variants(self) -> bool:
        """Whether this stack declares the image variants, which are the account's: two stacks cannot have them."""
        return self.owns_zone and self.cloudflare_images and not self.image_variants_elsewhere

    @property
    def storefront_url(self) -> str:
        return self.public_origin(self.storefront_host)

    @property
    def api_url(self) -> str:
        return self.public_origin(self.api_host)

    @property
    def admin_url(self) -> str:
        return f"{self.api_url}/app"

    @property
    def images_url(self) -> str | None:
        """What the addresses of the environment's product images start with, under the store's own host name.

        None without Cloudflare Images.
        """
        if not self.cloudflare_images:
            return None
        return f"{self.storefront_url}/cdn-cgi/imagedelivery/{self.images_account_hash}/{self.environment.value}"

    def public_origin(self, host: str) -> str:
        """https://HOST, with the port where it is not the usual one."""
        return f"https://{host}" if self.public_port == 443 else f"https://{host}:{self.public_port}"
