"""Rate limits: how often a rule's requests came, counted by what tells its senders apart."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud.cloudflare.edge.messages import Request, Response
from localcloud.cloudflare.edge.rules.evaluate import holds, value
from localcloud.cloudflare.edge.rules.parser import parse
from localcloud.cloudflare.edge.rules.phases import RATE_LIMIT, Rule, Rules, refuse

MAX_COUNTERS = 50_000
"""Counters kept; beyond, counting begins anew."""


@dataclass
class Counter:
    """Requests since ``started``; refused until ``blocked_until``. Both in seconds of the monotonic clock."""

    started: float
    count: int = 0
    blocked_until: float = 0.0


class Limits:
    """Counts over all requests of the edge; a new snapshot keeps the counts of rules that stay."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counters: dict[tuple[Any, ...], Counter] = {}

    def refusal(self, rules: Rules, request: Request) -> Response | None:
        """Count a request; the response if a limit is passed."""
        for rule in rules.matching(RATE_LIMIT, request):
            limit = rule["ratelimit"]
            counter = self._counter(rules, rule, request)
            now = self._clock()
            if now >= counter.blocked_until and not limit.get("counting_expression"):
                self._count(limit, counter)
            if now < counter.blocked_until and rule["action"] != "log":
                response = refuse(rule, 429, "error code: 1015\nYou are being rate limited")
                response.headers.set("retry-after", str(max(1, round(counter.blocked_until - now))))
                return response
        return None

    def count_response(self, rules: Rules, request: Request, response: Response) -> None:
        """Count by a rule's counting expression, which may ask about the response."""
        for rule in rules.matching(RATE_LIMIT, request):
            expression = rule["ratelimit"].get("counting_expression")
            if expression and holds(parse(expression), rules.context(request, response)):
                self._count(rule["ratelimit"], self._counter(rules, rule, request))

    def _count(self, limit: dict[str, Any], counter: Counter) -> None:
        counter.count += 1
        if counter.count > limit["requests_per_period"]:
            self._block(limit, counter)

    def _block(self, limit: dict[str, Any], counter: Counter) -> None:
        # Without a timeout a sender is refused until the period ends.
        now = self._clock()
        timeout = limit.get("mitigation_timeout") or 0
        counter.blocked_until = now + timeout if timeout else counter.started + limit["period"]

    def _counter(self, rules: Rules, rule: Rule, request: Request) -> Counter:
        now = self._clock()
        limit = rule["ratelimit"]
        context = rules.context(request)
        told_apart = (repr(value(parse(one), context)) for one in limit.get("characteristics") or ())
        key = (rule.get("ref") or rule.get("id"), rules.zone.id if rules.zone else "", *told_apart)
        counter = self._counters.get(key)
        if counter is None or (now >= counter.started + limit["period"] and now >= counter.blocked_until):
            if len(self._counters) > MAX_COUNTERS:
                self._counters.clear()
            counter = self._counters[key] = Counter(now)
        return counter
