"""What visitors get now: a deployment that somebody made past Pulumi is seen here, and only here.

A deployment never changes; a later one is served in its place. The provider reads the stack's own by its id and finds
it as it was, whatever is served: neither `pulumi refresh` nor a preview sees that somebody deployed other code by
wrangler or on the dashboard. The provider's list of deployments, which would show it, reads another shape than the API
answers and stays empty. So the API is asked itself, with the provider's own settings.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import pulumi

MARK = "OpticWorks Store"
"""What the messages of the stack's own deployments begin with."""
PUBLIC = "https://api.cloudflare.com/client/v4"
ANSWER_SECONDS = 15.0


@dataclass(frozen=True)
class Deployment:
    """One that is served."""

    id: str
    created_on: str
    source: str
    """wrangler, dash, api, …"""
    author: str
    message: str
    versions: Mapping[str, float]
    """Percentages by version."""

    @property
    def own(self) -> bool:
        """Whether a stack of this program made it."""
        return self.message.startswith(MARK)

    def __str__(self) -> str:
        shares = ", ".join(f"{version} to {share:g} %" for version, share in self.versions.items())
        return (
            f"{shares}, by {self.author or 'somebody'} with {self.source or 'an unknown program'} at {self.created_on}"
        )


def worker_name(environment: str) -> str:
    """Of an environment's Worker."""
    return f"{environment}-storefront"


def message(replaced: str | None = None) -> str:
    """Of a deployment of the stack's own: another one wherever somebody else's is to be replaced. At most 100 bytes."""
    return f"{MARK}, in place of {replaced}" if replaced else MARK


def foreign(account_id: str, script: str) -> str | None:
    """Id of the deployment that is served if somebody else made it; what it is goes into the preview.

    None too where there is no Worker yet, or no token to ask with: the resources themselves say then what is wrong.
    """
    try:
        found = served(_ask(f"/accounts/{quote(account_id)}/workers/scripts/{quote(script)}/deployments"))
    except (OSError, ValueError) as error:
        pulumi.log.warn(f"Which deployment of Worker {script} is served could not be looked at: {error}")
        return None
    if found is None or found.own:
        return None
    pulumi.log.warn(
        f"Worker {script} serves what this stack did not deploy ({found}); `pulumi up` deploys its own again."
    )
    return found.id


def served(result: Mapping[str, Any]) -> Deployment | None:
    """The first of a list of deployments: the newest, which is the one that is served."""
    listed = result.get("deployments") or []
    if not listed:
        return None
    first = listed[0]
    return Deployment(
        id=str(first["id"]),
        created_on=str(first.get("created_on") or ""),
        source=str(first.get("source") or ""),
        author=str(first.get("author_email") or ""),
        message=str((first.get("annotations") or {}).get("workers/message") or ""),
        versions={str(each["version_id"]): float(each["percentage"]) for each in first.get("versions") or []},
    )


def _ask(path: str) -> dict[str, Any]:
    """The result of a GET; empty where it is not there, or without the means to ask. Raises OSError and ValueError."""
    provider = pulumi.Config("cloudflare")
    token = provider.get("apiToken") or os.environ.get("CLOUDFLARE_API_TOKEN")
    key = provider.get("apiKey") or os.environ.get("CLOUDFLARE_API_KEY")
    email = provider.get("email") or os.environ.get("CLOUDFLARE_EMAIL")
    if token:
        headers = {"Authorization": f"Bearer {token}"}
    elif key and email:
        headers = {"X-Auth-Key": key, "X-Auth-Email": email}
    else:
        return {}
    base = (provider.get("baseUrl") or os.environ.get("CLOUDFLARE_BASE_URL") or PUBLIC).rstrip("/")
    # An embedded cloud is on this machine, where no proxy leads.
    here = urlsplit(base).hostname in ("127.0.0.1", "localhost", "::1")
    opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if here else []))
    request = urllib.request.Request(f"{base}{path}", headers={**headers, "Accept": "application/json"})
    try:
        with opener.open(request, timeout=ANSWER_SECONDS) as answer:
            result = json.load(answer).get("result") or {}
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return {}
        raise
    return dict(result)
