"""What the store's public address answers, through the edge: which instance and release served, and its own /health."""

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


EDGE = {
    403: "it is the edge or the node proxy that refuses; /health is open in both",
    404: "nothing at the edge serves that host name",
    521: "the edge is refused by the load balancer",
    522: "the edge gets no connection to the load balancer",
    523: "the edge finds no way to the load balancer's address",
    524: "the edge had no answer in time",
    525: "the edge and the load balancer agree on no TLS",
    526: "the load balancer's certificate is not one that the edge trusts",
    530: "the edge finds no address behind the host name",
}
"""Statuses that the instances do not give, in words; 52x and 530 are Cloudflare's own."""


def look(client: httpx.Client, expected: Collection[str]) -> Seen:
    """Ask /health until every instance of `expected` has answered once; at most four rounds of the balancer's turn.

    `client` has the API's public address for its base URL.
    """
    import httpx

    seen, url = Seen(), str(client.base_url).rstrip("/")
    for _ in range(4 * max(len(expected), 1)):
        try:
            answer = client.get("/health", timeout=TIMEOUT_SECONDS)
        except httpx.HTTPError as error:
            seen.problem = f"{url}/health does not answer: {error or type(error).__name__}"
            return seen
        name = answer.headers.get("x-instance", "")
        if name:
            seen.releases[name] = answer.headers.get("x-release", "")
        body = _body(answer)
        seen.health = body or seen.health
        if answer.status_code != 200 and name and body:
            # The load balancer asks every few seconds: an instance that just fell is healthy to it, not to customers.
            seen.problem = f"{url}/health answers {answer.status_code}: {name} says {body['status']}"
        elif answer.status_code != 200 and not seen.health:
            seen.problem = f"{url}/health answers {answer.status_code}"
            if answer.status_code in EDGE and not name:
                seen.problem += f": {EDGE[answer.status_code]}"
        if not set(expected) - set(seen.releases):
            break
    if seen.health and not seen.problem and _refused(client):
        seen.problem = f"the instances refuse what comes through the edge to {url}: its origin secret is not theirs"
    return seen


def _refused(client: httpx.Client) -> bool:
    """Whether node proxies take the edge for a stranger: /health is open to all, so it does not show there.

    /admin is answered by the proxy itself, with a way to /app.
    """
    import httpx

    try:
        answer = client.get("/admin", timeout=TIMEOUT_SECONDS, follow_redirects=False)
        return answer.status_code == 403 and answer.json().get("type") == "forbidden"
    except (httpx.HTTPError, ValueError, AttributeError):
        return False


def _body(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) and "status" in body else {}
