"""What the load balancer's address answers: which instance and release served, and the store's own /health."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 3.0


@dataclass
class Seen:
    """Instance → release, of those that answered; `health` is the last body; `problem` is why there was no answer."""

    releases: dict[str, str] = field(default_factory=dict)
    health: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def look(client: httpx.Client, url: str, expected: Collection[str]) -> Seen:
    """Ask /health until every instance of `expected` has answered once; at most four rounds of the balancer's turn."""
    import httpx

    seen = Seen()
    for _ in range(4 * max(len(expected), 1)):
        try:
            answer = client.get(f"{url}/health", timeout=TIMEOUT_SECONDS)
        except httpx.HTTPError as error:
            seen.problem = f"{url}/health does not answer: {error or type(error).__name__}"
            return seen
        name = answer.headers.get("x-instance", "")
        if name:
            seen.releases[name] = answer.headers.get("x-release", "")
        seen.health = _body(answer) or seen.health
        if answer.status_code != 200 and not seen.health:
            seen.problem = f"{url}/health answers {answer.status_code}"
        if not set(expected) - set(seen.releases):
            break
    return seen


def _body(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) and "status" in body else {}
