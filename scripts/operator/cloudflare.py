"""Cloudflare's API as the stack is configured to use it: the real one, or the embedded one for `local`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scripts.operator.engine import LOCAL, PROJECT, Engine
from scripts.operator.errors import OperatorError
from scripts.operator.stack_api import StackApi

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 30.0
TRIES = 4
AGAIN = (429, 502, 503, 504)
"""Answers after which the same request may succeed."""
LONGEST_WAIT_SECONDS = 30.0
NO_SUCH_KEY = {10009}
"""Code of a key that is not in a KV namespace; a namespace that is not there has 10013."""
API = StackApi(
    name="Cloudflare API",
    embedded="the embedded Cloudflare",
    real="https://api.cloudflare.com/client/v4",
    endpoint_key="cloudflare:baseUrl",
    token_key="cloudflare:apiToken",
    token_variable="CLOUDFLARE_API_TOKEN",
    token_file="cloudflare-token",
)


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

        headers = {"Authorization": f"Bearer {API.token(engine)}"}
        return cls(
            http.client(API.endpoint(engine), headers=headers, timeout=TIMEOUT_SECONDS), account(engine), permission
        )

    def ask(self, method: str, path: str, **rest: Any) -> Any:
        """`result` of the answer to a request below the account; OperatorError with Cloudflare's words otherwise."""
        return self._result(method, path, self._answer(method, path, **rest))

    def text(self, path: str) -> str | None:
        """What is stored at a path that is answered as it is (a value of KV); None where nothing is."""
        answer = self._answer("GET", path)
        if answer.status_code == 404 and _codes(answer) & NO_SUCH_KEY:
            return None
        if not answer.is_success:
            self._result("GET", path, answer)
        return answer.text

    def _answer(self, method: str, path: str, **rest: Any) -> httpx.Response:
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
        return answer

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


def _codes(answer: httpx.Response) -> set[Any]:
    """Codes of the errors in an answer."""
    try:
        return {error.get("code") for error in answer.json().get("errors") or []}
    except (ValueError, AttributeError):
        return set()
