"""The provider's configuration: from Pulumi's configuration, else from the environment."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from localcloud.plugins.base.endpoint import Endpoint
from localcloud.plugins.base.operations import Failure
from localcloud.plugins.base.values import Properties, is_unknown

ENDPOINT = Endpoint(
    plugin="cloudflare",
    real="https://api.cloudflare.com/client/v4",
    example="http://127.0.0.1:8471/client/v4",
    setting="cloudflare:baseUrl (or CLOUDFLARE_BASE_URL)",
    embedded="an embedded Cloudflare",
    owned="account",
)
# The provider's own rules; it checks them before the first call.
_TOKEN = re.compile(r"[0-9A-Za-z_-]{40,80}")
_KEY = re.compile(r"[0-9A-Za-z_-]{37,60}")


@dataclass(frozen=True)
class Config:
    """A configuration that is right: where to, and the headers that say who asks."""

    endpoint: str
    headers: dict[str, str]


def read(config: Properties) -> tuple[Config, list[Failure]]:
    """The configuration and everything that is wrong with it; what is unknown yet is taken to be right.

    A key of the configuration goes before any of the environment's, so that a token in the stack's configuration wins
    over a key that happens to be exported.
    """
    failures: list[Failure] = []
    given = {name: config.get(name) or "" for name in ("apiToken", "apiKey", "email")}
    if not given["apiToken"] and not given["apiKey"]:
        given = {
            "apiToken": os.environ.get("CLOUDFLARE_API_TOKEN", ""),
            "apiKey": os.environ.get("CLOUDFLARE_API_KEY", ""),
            "email": given["email"] or os.environ.get("CLOUDFLARE_EMAIL", ""),
        }
    headers = _credentials(given, failures)
    endpoint = config.get("baseUrl") or os.environ.get("CLOUDFLARE_BASE_URL") or ENDPOINT.real
    if not is_unknown(endpoint) and (reason := ENDPOINT.refusal(str(endpoint))):
        failures.append(Failure("baseUrl", reason))
    return Config(str(endpoint).rstrip("/"), headers), failures


def _credentials(given: Properties, failures: list[Failure]) -> dict[str, str]:
    token, key, email = given["apiToken"], given["apiKey"], given["email"]
    if token and key:
        failures.append(Failure("apiToken", "give one of apiToken and apiKey, not both"))
    if token:
        if not is_unknown(token) and not _TOKEN.fullmatch(token):
            failures.append(
                Failure("apiToken", "API tokens are 40 to 80 characters of 0-9, a-z, A-Z, - and _; this one is not")
            )
        return {"Authorization": f"Bearer {token}"}
    if not key:
        failures.append(
            Failure(
                "apiToken",
                "no token: pulumi config set --secret cloudflare:apiToken, or set CLOUDFLARE_API_TOKEN",
            )
        )
        return {}
    if not is_unknown(key) and not _KEY.fullmatch(key):
        failures.append(
            Failure("apiKey", "API keys are 37 to 60 characters of 0-9, a-z, A-Z, - and _; this one is not")
        )
    if not email:
        failures.append(Failure("email", "apiKey needs email: pulumi config set cloudflare:email, or CLOUDFLARE_EMAIL"))
    return {"X-Auth-Key": str(key), "X-Auth-Email": str(email)}
