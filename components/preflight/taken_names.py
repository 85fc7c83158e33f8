"""Host names at which there is something already that this program did not put there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from components.preflight.questions import Answer, Question
from components.settings import Problem, Settings

ANSWERING = ("A", "AAAA", "CNAME")
"""Types of records that say where a name leads; others (MX, TXT, CAA) stand beside them."""
WORKERS = ("AAAA", "100::")
"""What a Worker's own host name shows as: a record that Cloudflare made and keeps."""


def questions(settings: Settings, zone_id: str) -> dict[str, Question]:
    """What is at each of the stack's names, by name."""
    names = (settings.storefront_host, settings.status_host, settings.api_host, settings.metrics_host)
    return {name: Question("getDnsRecords", {"zoneId": zone_id, "name": {"exact": name}}) for name in names}


def problems(settings: Settings, answers: Mapping[str, Answer], stack: str) -> Iterator[Problem]:
    """Names that a Worker cannot take: Cloudflare refuses those that have a record (100117), after minutes of trying.

    A second record beside the API's or the metrics' is taken, and gets a share of the requests: that is warned of.
    """
    for key, host in (("storefrontHost", settings.storefront_host), ("statusHost", settings.status_host)):
        others = [each for each in _answering(answers.get(host)) if (each.get("type"), each.get("content")) != WORKERS]
        if others:
            fix = f"delete it on Cloudflare's dashboard, or: pulumi config set {key} ANOTHER.{host} --stack {stack}"
            yield Problem(key, host, f"has a DNS record already ({_shown(others)}), and leads to a Worker here", fix)
    for host in (settings.api_host, settings.metrics_host):
        own = f"OpticWorks Store {settings.prefix}:"
        others = [each for each in _answering(answers.get(host)) if not str(each.get("comment") or "").startswith(own)]
        if others:
            pulumi.log.warn(
                f"{host} has a DNS record that this stack did not make ({_shown(others)}). Beside the stack's own it "
                "would get a share of the requests: delete it on Cloudflare's dashboard, or import it."
            )


def _answering(answer: Answer | None) -> list[dict[str, Any]]:
    """Nothing where there is no answer: why is said by whoever asks for the permission."""
    if answer is None or isinstance(answer, Exception):
        return []
    return [each for each in answer.get("results") or [] if each.get("type") in ANSWERING]


def _shown(records: list[dict[str, Any]]) -> str:
    return ", ".join(f"{each.get('type')} {each.get('content')}" for each in records)
