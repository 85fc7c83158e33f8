"""Cloudflare's API as the stack is configured to use it: the real one, or the embedded one for `local`."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.operator.engine import LOCAL, PROJECT, Engine, cloud_home
from scripts.operator.errors import OperatorError

if TYPE_CHECKING:
    import httpx

REAL = "https://api.cloudflare.com/client/v4"
TIMEOUT_SECONDS = 30.0
TRIES = 4
AGAIN = (429, 502, 503, 504)
"""Answers after which the same request may succeed."""
LONGEST_WAIT_SECONDS = 30.0


def endpoint(engine: Engine) -> str:
    """The API's address: the stack's `cloudflare:baseUrl`, else Cloudflare's. Variables of the shell are not asked:
    scripts/env points them at the embedded cloud, which knows nothing of staging and production."""
    entry = engine.config().get("cloudflare:baseUrl")
    return str(entry["value"]).rstrip("/") if entry and entry.get("value") else REAL


def account(engine: Engine) -> str:
    """The account's id, of the stack's settings."""
    entry = engine.config().get(f"{PROJECT}:cloudflareAccountId")
    if not entry or not entry.get("value"):
        raise OperatorError(
            f"stack {engine.stack} has no cloudflareAccountId",
            advice="scripts/up sets it"
            if engine.stack == LOCAL
            else f"pulumi config set cloudflareAccountId ID -s {engine.stack} (dashboard: Account home, ⋮, Copy ID)",
        )
    return str(entry["value"])


def token(engine: Engine, home: Path | None = None) -> str:
    """The API token: the embedded cloud's own for `local`, else `cloudflare:apiToken` of the stack or
    CLOUDFLARE_API_TOKEN."""
    own = (home or cloud_home(engine.root)) / "cloudflare-token"
    embedded = own.read_text(encoding="utf-8").strip() if own.is_file() else ""
    if engine.stack == LOCAL:
        if not embedded:
            raise OperatorError("the embedded Cloudflare has not run in this checkout", advice="run scripts/up")
        return embedded
    if "cloudflare:apiToken" in engine.config():
        return str(engine.config(show_secrets=True)["cloudflare:apiToken"]["value"])
    # In a shell with scripts/env, CLOUDFLARE_API_TOKEN is the embedded cloud's and the caller's own was put aside.
    outer = os.environ.get("OPTICWORKS_OUTER_CLOUDFLARE_API_TOKEN", "")
    given = os.environ.get("CLOUDFLARE_API_TOKEN", "")
    chosen = given if given and given != embedded else outer
    if not chosen:
        raise OperatorError(
            f"no Cloudflare API token for stack {engine.stack}",
            advice="export CLOUDFLARE_API_TOKEN=…, or store it: pulumi config set --secret cloudflare:apiToken -s "
            + engine.stack,
        )
    return chosen


@dataclass
class Api:
    """One account's API. `permission` is what the token needs for what is asked here, named as the dashboard does."""

    client: httpx.Client
    account: str
    permission: str

    @classmethod
    def of(cls, engine: Engine, permission: str) -> Api:
        """For the stack's account."""
        from scripts.operator import http

        headers = {"Authorization": f"Bearer {token(engine)}"}
        return cls(http.client(endpoint(engine), headers=headers, timeout=TIMEOUT_SECONDS), account(engine), permission)

    def ask(self, method: str, path: str, **rest: Any) -> Any:
        """`result` of the answer to a request below the account; OperatorError with Cloudflare's words otherwise."""
        import httpx

        where = f"{str(self.client.base_url).rstrip('/')}/accounts/{self.account}"
        for left in reversed(range(TRIES)):
            try:
                answer = self.client.request(method, f"{where}{path}", **rest)
            except httpx.HTTPError as error:
                raise OperatorError(
                    f"Cloudflare's API at {self.client.base_url} does not answer: {error or type(error).__name__}",
                    advice="local: python -m localcloud start; else: check the network, www.cloudflarestatus.com",
                ) from error
            if answer.status_code not in AGAIN or not left:
                break
            time.sleep(_wait(answer, TRIES - left))
        return self._result(method, path, answer)

    def _result(self, method: str, path: str, answer: httpx.Response) -> Any:
        try:
            body = answer.json()
        except ValueError:
            body = {}
        if answer.is_success and isinstance(body, dict) and body.get("success", True):
            return body.get("result")
        errors = body.get("errors") or [] if isinstance(body, dict) else []
        words = "; ".join(f"{error.get('message')} ({error.get('code')})" for error in errors) or answer.text[:200]
        advice = "try again"
        if answer.status_code in (401, 403):
            advice = f"give the token the permission {self.permission} on account {self.account}, or use another token"
        elif answer.status_code == 404:
            advice = f"check cloudflareAccountId: {self.account}"
        raise OperatorError(f"Cloudflare answers {answer.status_code} to {method} {path}: {words}", advice=advice)


def _wait(answer: httpx.Response, tried: int) -> float:
    """Seconds that Cloudflare asks for, else longer each time."""
    asked = answer.headers.get("retry-after", "")
    return min(float(asked) if asked.isdecimal() else 2.0**tried / 4, LONGEST_WAIT_SECONDS)
