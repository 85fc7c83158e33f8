"""The embedded Cloudflare in this process, with a zone for the store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from localcloud.cloudflare.app import create_app
from tests.contract.cloudflare.serving import TOKEN, remembering
from tests.contract.listening import listening

ZONE = "store.localhost"
VARIANTS = "/images/v1/variants"


@dataclass
class Served:
    url: str
    account: str
    zone: str
    writes: list[str] = field(default_factory=list)
    """Method and path of every call that may change something."""
    location: str = ""
    """Where buckets came to lie, if not where they were asked for."""

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """The result of a call; `path` starts with /accounts or /zones."""
        answer = httpx.request(
            method, self.url + path, json=body, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False
        )
        answer.raise_for_status()
        return answer.json()["result"]


@pytest.fixture
def cloudflare(tmp_path: Path) -> Iterator[Served]:
    made, zone = remembering(tmp_path, ZONE)
    served = Served("", made.account_id, zone)
    app = create_app(made)

    def as_documented(path: str, answer: Any) -> Any:
        """A variant's answer has no id beside the variant; a bucket says where it came to lie."""
        result = answer.get("result")
        if isinstance(result, dict) and VARIANTS in path:
            result.pop("id", None)
        if isinstance(result, dict) and served.location and "location" in result:
            result["location"] = served.location
        return answer

    async def recorded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        if scope["method"] != "GET":
            served.writes.append(f"{scope['method']} {scope['path'].removeprefix('/client/v4')}")
        start: dict[str, Any] = {}
        parts: list[bytes] = []

        async def held(message: Any) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = b"".join(parts)
            if body.startswith(b"{"):
                body = json.dumps(as_documented(scope["path"], json.loads(body)), separators=(",", ":")).encode()
                kept = [pair for pair in start["headers"] if pair[0] != b"content-length"]
                start["headers"] = [*kept, (b"content-length", str(len(body)).encode())]
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await app(scope, receive, held)

    with listening(recorded) as url:
        served.url = f"{url}/client/v4"
        yield served
