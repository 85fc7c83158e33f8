"""What Cloudflare says before anything is declared: the zone, and whether the token may do what the program will.

Each question is a data source of the provider, so that the stack's own token and endpoint are the ones that are tried.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime.sync_await import _sync_await

from components.preflight.hetzner import reason

Answer = dict[str, Any] | Exception

REFUSED = re.compile(
    r"\b40[13] (?:Forbidden|Unauthorized)\b|\b(?:10000|9109)\b|Authentication error|Invalid access token"
)
INVALID = re.compile(r"\b6003\b|\b6111\b|Invalid (?:access|API) [Tt]oken|Invalid format for Authorization")
ABSENT = re.compile(r"\b404\b")


@dataclass(frozen=True)
class Question:
    """A data source of the provider and what it is asked."""

    function: str
    """getZones."""
    arguments: Mapping[str, Any]
    """As the provider names them, camelCase."""


@dataclass(frozen=True)
class FoundZone:
    id: str
    name: str
    account_id: str
    account_name: str
    status: str
    plan: str
    """free, pro, business or enterprise; "" when the token does not see it."""


def ask_all(questions: Mapping[str, Question]) -> dict[str, Answer]:
    """The answers by the questions' keys, asked side by side; what failed is its exception."""

    async def ask(question: Question) -> Answer:
        token = f"cloudflare:index/{question.function}:{question.function}"
        options = pulumi.InvokeOptions(version=importlib.metadata.version("pulumi_cloudflare"))
        try:
            answer: dict[str, Any] = await pulumi.runtime.invoke_async(token, dict(question.arguments), options)
        except Exception as error:  # an invoke fails with a bare Exception around the provider's message
            return error
        return answer

    async def together() -> list[Answer]:
        return list(await asyncio.gather(*(ask(question) for question in questions.values())))

    # The SDK's own way to wait inside a program; its public `invoke` waits for one answer at a time.
    return dict(zip(questions, _sync_await(together()), strict=True))


def zones(name: str | None = None) -> list[FoundZone]:
    """The zones that the token sees, or the one of that name.

    Raises PermissionError when the token is refused, RunError when there is no answer.
    """
    answer = ask_all({"zones": Question("getZones", {"name": name, "maxItems": 1} if name else {})})["zones"]
    if isinstance(answer, Exception):
        if refused(answer):
            raise PermissionError(reason(answer))
        raise no_answer("the zones", answer)
    return [_zone(found) for found in answer.get("results") or []]


def _zone(found: Mapping[str, Any]) -> FoundZone:
    account, plan = found.get("account") or {}, found.get("plan") or {}
    return FoundZone(
        id=str(found["id"]),
        name=str(found["name"]),
        account_id=str(account.get("id") or ""),
        account_name=str(account.get("name") or ""),
        status=str(found.get("status") or ""),
        plan=str(plan.get("legacyId") or ""),
    )


def refused(error: Exception) -> bool:
    """Whether the token may not ask that."""
    return REFUSED.search(str(error)) is not None


def invalid(message: str) -> bool:
    """Whether the token is none at all, rather than one that may not."""
    return INVALID.search(message) is not None


def absent(error: Exception) -> bool:
    """Whether what was asked for is not there, which only somebody who may look is told."""
    return ABSENT.search(str(error)) is not None


def no_answer(what: str, error: Exception) -> pulumi.RunError:
    return pulumi.RunError(f"Cloudflare was asked for {what} and gave no answer: {reason(error)}")
