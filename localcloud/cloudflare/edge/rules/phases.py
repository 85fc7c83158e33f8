"""What the rules of each phase do: redirects, rewrites, header fields, blocks, cache settings."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.cloudflare.edge import messages
from localcloud.cloudflare.edge.messages import Headers, Request, Response
from localcloud.cloudflare.edge.routing import Table
from localcloud.cloudflare.edge.rules.evaluate import holds, value
from localcloud.cloudflare.edge.rules.fields import Context
from localcloud.cloudflare.edge.rules.parser import parse
from localcloud.cloudflare.edge.rules.syntax import ExpressionError
from localcloud.cloudflare.edge.snapshot import Zone

REDIRECT = "http_request_dynamic_redirect"
REWRITE = "http_request_transform"
FIREWALL = "http_request_firewall_custom"
RATE_LIMIT = "http_ratelimit"
REQUEST_HEADERS = "http_request_late_transform"
RESPONSE_HEADERS = "http_response_headers_transform"
CACHE = "http_request_cache_settings"
ORIGIN = "http_request_origin"
REFUSALS = {"block": 403, "challenge": 403, "js_challenge": 403, "managed_challenge": 403}
"""A challenge refuses here as it refuses every client without a browser."""

logger = logging.getLogger(__name__)
Rule = Mapping[str, Any]


@dataclass(frozen=True)
class Rules:
    """The rules of the zone a request is in."""

    table: Table
    zone: Zone | None

    def context(self, request: Request, response: Response | None = None) -> Context:
        return Context(request, self.zone.name if self.zone else "", response)

    def matching(self, phase: str, request: Request, response: Response | None = None) -> Iterator[Rule]:
        """The enabled rules of a phase whose expressions hold, in order, each judged after the former were applied."""
        ruleset = self.table.ruleset(self.zone, phase)
        for rule in ruleset.rules if ruleset else ():
            if rule.get("enabled", True) and self._holds(rule, request, response):
                yield rule

    def _holds(self, rule: Rule, request: Request, response: Response | None) -> bool:
        try:
            return holds(parse(rule["expression"]), self.context(request, response))
        except ExpressionError as error:
            logger.error("rule %s: %s", rule.get("ref") or rule.get("id"), error)
            return False

    def computed(self, setting: Mapping[str, Any], request: Request, response: Response | None = None) -> str | None:
        """A static ``value``, or what ``expression`` gives."""
        if "expression" not in setting or setting["expression"] is None:
            return setting.get("value")
        found = value(parse(setting["expression"]), self.context(request, response))
        return None if found is None else str(found)

    def redirect(self, request: Request) -> Response | None:
        """The redirect that a request gets, by the first rule that holds."""
        for rule in self.matching(REDIRECT, request):
            settings = rule["action_parameters"]["from_value"]
            location = self.computed(settings["target_url"], request)
            if not location:
                continue
            if settings.get("preserve_query_string") and request.query:
                location += f"{'&' if '?' in location else '?'}{request.query}"
            return messages.text(settings.get("status_code", 301), "", location=location)
        return None

    def rewrite(self, request: Request) -> None:
        """Change the path and query that a request is for."""
        for rule in self.matching(REWRITE, request):
            uri = (rule.get("action_parameters") or {}).get("uri") or {}
            if uri.get("path") and (path := self.computed(uri["path"], request)):
                request.path = path
            if uri.get("query") is not None and (query := self.computed(uri["query"], request)) is not None:
                request.query = query.removeprefix("?")

    def refusal(self, request: Request) -> Response | None:
        """The response of the first custom firewall rule that refuses a request; ``skip`` lets it pass the rest."""
        for rule in self.matching(FIREWALL, request):
            if rule["action"] == "skip":
                return None
            if rule["action"] in REFUSALS:
                return refuse(rule, REFUSALS[rule["action"]], "Sorry, you have been blocked")
        return None

    def change_request_headers(self, request: Request) -> None:
        """Set, add and remove fields before a Worker or an origin sees them."""
        for rule in self.matching(REQUEST_HEADERS, request):
            self._change(rule, request.headers, request, None)

    def change_response_headers(self, request: Request, response: Response) -> None:
        """Set, add and remove fields before the client sees them."""
        for rule in self.matching(RESPONSE_HEADERS, request, response):
            self._change(rule, response.headers, request, response)

    def _change(self, rule: Rule, headers: Headers, request: Request, response: Response | None) -> None:
        for name, setting in ((rule.get("action_parameters") or {}).get("headers") or {}).items():
            if setting["operation"] == "remove":
                headers.remove(name.lower())
                continue
            text = self.computed(setting, request, response)
            if not text:
                headers.remove(name.lower())  # no value takes the field off, as on Cloudflare
            elif setting["operation"] == "add":
                headers.add(name.lower(), text)
            else:
                headers.set(name.lower(), text)

    def cache_settings(self, request: Request) -> dict[str, Any]:
        """What cache rules say about a request; of two that say the same thing, the last counts."""
        return self._merged(CACHE, request)

    def origin_settings(self, request: Request) -> dict[str, Any]:
        """Another Host, address or port of the origin, by origin rules."""
        return self._merged(ORIGIN, request)

    def _merged(self, phase: str, request: Request) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        for rule in self.matching(phase, request):
            settings.update(
                {name: one for name, one in (rule.get("action_parameters") or {}).items() if one is not None}
            )
        return settings


def refuse(rule: Rule, status: int, message: str) -> Response:
    """A rule's own response, or the usual one."""
    own = (rule.get("action_parameters") or {}).get("response") or {}
    response = messages.text(own.get("status_code", status), own.get("content", message))
    if "content_type" in own:
        response.headers.set("content-type", own["content_type"])
    return response
