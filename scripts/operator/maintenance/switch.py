"""The key `maintenance` in the storefront's KV namespace: what is written there, and what it means.

Its grammar is the Worker's (components/storefront/worker/src/maintenance.ts): `off` or nothing is off, a time is on and
expected to end then, an object says more, anything else is on.
"""

from __future__ import annotations

import json
from datetime import datetime

from scripts.operator.cloudflare import Api
from scripts.operator.engine import LOCAL, Engine
from scripts.operator.errors import OperatorError, UsageProblem
from scripts.operator.maintenance import times

PERMISSION = "Workers KV Storage: Edit"
KEY = "maintenance"
OFF = "off"
OUTPUT = "storefrontStateNamespace"
LONGEST_MESSAGE = 500
"""Characters: it is a paragraph on the page, not the page."""


def value(until: datetime | None, message: str = "", start: datetime | None = None) -> str:
    """What closes the store, from `start` on if there is one; the shortest that says it."""
    text = message.strip()
    if len(text) > LONGEST_MESSAGE:
        raise UsageProblem(
            f"--message has {len(text)} characters; the page has room for {LONGEST_MESSAGE}", advice="say it shorter"
        )
    end = times.told(until) if until else ""
    if not text and start is None:
        return end or "on"
    found = {"from": times.told(start) if start else "", "until": end, "message": text}
    return json.dumps({name: part for name, part in found.items() if part}, ensure_ascii=False)


def closes(value: str | None, now: datetime) -> bool:
    """Whether the store is closed by this value of the key, as the Worker reads it."""
    text = (value or "").strip()
    if text.lower() in ("", OFF):
        return False
    try:
        start = json.loads(text).get("from") if text.startswith("{") else None
        return not (isinstance(start, str) and datetime.fromisoformat(start) > now)
    except (ValueError, TypeError, AttributeError):
        return True


def namespace(engine: Engine) -> str:
    """Id of the stack's namespace, by its outputs."""
    found = engine.outputs().get(OUTPUT)
    if not found:
        raise OperatorError(
            f"stack {engine.stack} has no output {OUTPUT}: it was last brought up by a program without it",
            advice="scripts/up" if engine.stack == LOCAL else f"pulumi up -s {engine.stack}",
        )
    return str(found)


def read(api: Api, namespace: str) -> str | None:
    """What the key holds; None where it is not there."""
    return api.text(_path(namespace))


def write(api: Api, namespace: str, value: str) -> None:
    """Let the key hold `value`."""
    api.ask("PUT", _path(namespace), content=value.encode(), headers={"content-type": "text/plain;charset=UTF-8"})


def _path(namespace: str) -> str:
    return f"/storage/kv/namespaces/{namespace}/values/{KEY}"
