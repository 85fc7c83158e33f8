"""The settings: one frozen tree, each field with the rule that an error quotes and an example that mends it.

Defaults are those of Pulumi.yaml (a test holds them together).
"""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, SecretStr
from pydantic.alias_generators import to_camel

from components.settings import kinds
from components.settings.edge import EdgeSettings
from components.settings.keys import (
    NAME_RULE,
    Environment,
    Flag,
    Key,
    Name,
    Password,
    Replacement,
    StripeMode,
    flag_key,
    password_key,
)
from components.settings.sizes import BALANCER_TYPES, MAX_INSTANCES

NETWORK_ZONES = {
    "fsn1": "eu-central",
    "nbg1": "eu-central",
    "hel1": "eu-central",
    "ash": "us-east",
    "hil": "us-west",
    "sin": "ap-southeast",
}
"""Network zone of each location; a network's subnets and all that is attached to it lie in one zone."""

SERVER_TYPE = r"(?:cx|cpx|ccx|cax)[1-9][0-9]"


def _server_type_key(example: str) -> Key:
    return Key("must be a server type of Hetzner Cloud such as cx23, cpx22 or ccx13", example)


def _replace_key() -> Key:
    return Key("must be at most 64 letters, digits, ., - and _; a new value replaces the servers", "2026-11-25")


ServerType = Annotated[str, BeforeValidator(kinds.matching(SERVER_TYPE, "is not the name of a server type"))]


class Settings(EdgeSettings):
    """A stack's configuration, checked. Secrets are `SecretStr`: their text is not in any repr or error.

    The fields of the public side are in `EdgeSettings`.
    """

    database_name: Annotated[Name, Key(NAME_RULE, "medusa-staging")]
    database_user: Annotated[Name, Key(NAME_RULE, "medusa")] = "medusa"
    stripe_mode: Annotated[StripeMode, BeforeValidator(kinds.one_of(*StripeMode)), Key("must be test or live", "test")]

    location: Annotated[
        str,
        BeforeValidator(kinds.one_of(*NETWORK_ZONES)),
        Key(f"must be a location of Hetzner Cloud: {', '.join(NETWORK_ZONES)}", "nbg1"),
    ] = "nbg1"
    network_range: Annotated[
        IPv4Network,
        BeforeValidator(kinds.private_range),
        Key("must be a private IPv4 range from /8 to /21", "10.0.0.0/16"),
    ] = IPv4Network("10.0.0.0/16")
    medusa_instances: Annotated[
        int,
        BeforeValidator(kinds.whole_number(1, MAX_INSTANCES)),
        Key(f"must be a whole number from 1 to {MAX_INSTANCES}, what the largest load balancer holds", "3"),
    ] = 1
    medusa_server_type: Annotated[ServerType, _server_type_key("cx23")] = "cx23"
    database_server_type: Annotated[ServerType, _server_type_key("cx33")] = "cx33"
    redis_server_type: Annotated[ServerType, _server_type_key("cx23")] = "cx23"
    database_volume_size: Annotated[
        int,
        BeforeValidator(kinds.whole_number(10, 10240)),
        Key("must be a whole number of GB from 10 to 10240", "20"),
    ] = 20
    load_balancer_type: Annotated[
        str | None,
        BeforeValidator(kinds.one_of(*(kind.name for kind in BALANCER_TYPES))),
        Key("must be lb11, lb21 or lb31, or not set: then the number of instances decides", "lb11"),
    ] = None

    ssh_allowed_cidrs: Annotated[
        tuple[kinds.IPNetwork, ...],
        BeforeValidator(kinds.cidrs),
        Key("must be a list of address ranges that may reach SSH", "203.0.113.7/32", many=True),
    ] = ()
    ssh_from_anywhere: Annotated[Flag, flag_key("true")] = False
    ssh_public_keys: Annotated[
        tuple[str, ...],
        BeforeValidator(kinds.public_keys),
        Key("must be a list of OpenSSH public keys", '"$(cat ~/.ssh/id_ed25519.pub)"', many=True),
    ] = ()
    protect: Annotated[Flag, flag_key("true")] = True
    backend_release: Annotated[
        Path,
        BeforeValidator(kinds.archive),
        Key(
            "must be the path of a release archive, medusa-….tar.zst",
            '"$(scripts/store release build --app PATH/TO/medusa-backend)"',
        ),
    ]
    seed_demo_data: Annotated[Flag, flag_key("false")] = False
    replace_medusa: Annotated[Replacement | None, _replace_key()] = None
    replace_database: Annotated[Replacement | None, _replace_key()] = None
    replace_redis: Annotated[Replacement | None, _replace_key()] = None

    ssh_private_key: Annotated[
        SecretStr,
        BeforeValidator(kinds.private_key),
        Key("must be an ed25519 private key in OpenSSH format, without a passphrase", "", secret=True, generated=True),
    ]
    host_key_secret: Annotated[Password, password_key()]
    database_password: Annotated[Password, password_key()]
    redis_durable_password: Annotated[Password, password_key()]
    redis_cache_password: Annotated[Password, password_key()]
    jwt_secret: Annotated[Password, password_key()]
    cookie_secret: Annotated[Password, password_key()]
    stripe_api_key: Annotated[
        SecretStr,
        BeforeValidator(kinds.stripe_api_key),
        Key("must be a secret or restricted Stripe key: sk_test_…, rk_test_…, sk_live_… or rk_live_…", "", secret=True),
    ]
    stripe_webhook_secret: Annotated[
        SecretStr,
        BeforeValidator(kinds.matching(r"whsec_[A-Za-z0-9+/=_-]{8,250}", "is not a webhook secret")),
        Key("must be the signing secret of Stripe's webhook: whsec_…", "", secret=True),
    ]

    @property
    def prefix(self) -> str:
        """What the names of the environment's resources start with."""
        return self.environment.value

    @property
    def alias_suffix(self) -> str:
        """What SSH host aliases end in: medusa-prod, postgres-staging."""
        return "prod" if self.environment is Environment.PRODUCTION else self.environment.value

    @property
    def network_zone(self) -> str:
        return NETWORK_ZONES[self.location]


def _keys() -> dict[str, Key]:
    found: dict[str, Key] = {}
    for attribute, field in Settings.model_fields.items():
        metadata: list[Any] = field.metadata
        found[to_camel(attribute)] = next(item for item in metadata if isinstance(item, Key))
    return found


KEYS: dict[str, Key] = _keys()
"""Every key of the project's namespace, as in the stack file, in the order of the fields."""
