"""What is tried again when Hetzner Cloud refuses for a reason that passes."""

from __future__ import annotations

import asyncio
import re

import pulumi

PASSING = re.compile(r"\b(resource_unavailable|locked|conflict)\b")
"""Error codes, as the provider shows them in brackets. No room in a location comes and goes within minutes."""

PAUSES = (10, 20, 40, 60)
"""Seconds before each further try. Short: whoever waits at a terminal would rather take another type."""


def worth_another_try(errors: list[str]) -> float | None:
    """Seconds to wait before the next try, or None when there is none. `errors`: newest first, one a try."""
    if not errors or not PASSING.search(errors[0]) or len(errors) > len(PAUSES):
        return None
    return PAUSES[len(errors) - 1]


def create_retries(name: str) -> pulumi.ResourceHookBinding:
    """Hooks for a server of that name. They run in the engine only, not under test mocks."""

    async def again(args: pulumi.ErrorHookArgs) -> bool:
        pause = worth_another_try(args.errors)
        if pause is None:
            return False
        pulumi.log.warn(f"{args.name}: {_first_line(args.errors[0])}; trying again in {pause:.0f} s")
        await asyncio.sleep(pause)
        return True

    return pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook(f"{name}-retry", again)])


def _first_line(error: str) -> str:
    return error.strip().splitlines()[0]
