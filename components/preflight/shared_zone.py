"""What production sees of a staging in its zone: whether the rules that production declares there know of it."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.preflight.questions import Answer, Question
from components.settings import Environment, Settings

KEY = "records of staging's API"
OWN = f"OpticWorks Store {Environment.STAGING}: API"
"""What the comment of staging's own record begins with: see `dns`."""


def questions(settings: Settings, zone_id: str) -> dict[str, Question]:
    """Asked by production only."""
    if settings.environment is not Environment.PRODUCTION:
        return {}
    return {KEY: Question("getDnsRecords", {"zoneId": zone_id, "comment": {"startswith": OWN}})}


def warn(settings: Settings, answers: Mapping[str, Answer], stack: str) -> None:
    """Staging's proxies refuse what comes without staging's origin secret, and only production's rules send it."""
    answer = answers.get(KEY)
    if answer is None or isinstance(answer, Exception):
        return
    hosts = sorted({str(each["name"]) for each in answer.get("results") or [] if each.get("name")})
    for host in hosts:
        if host == settings.staging_api_host:
            continue
        pulumi.log.warn(
            f"Staging's API {host} is in zone {settings.domain} and stagingApiHost is "
            f"{settings.staging_api_host or 'not set'}: through this zone it answers 403 until production sends it "
            "staging's secret:\n"
            f"  pulumi config set stagingApiHost {host} --stack {stack}\n"
            f"  pulumi config get originSecret --stack {Environment.STAGING}"
            f" | scripts/store secrets set stagingOriginSecret -s {stack}\n"
            f"  pulumi up --stack {stack}"
        )
