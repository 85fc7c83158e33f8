"""Rate limits over time."""

from __future__ import annotations

from localcloud.cloudflare.edge.messages import Headers, Response, chunks
from localcloud.cloudflare.edge.routing import Table
from localcloud.cloudflare.edge.rules.limits import Limits
from localcloud.cloudflare.edge.rules.phases import Rules
from localcloud.cloudflare.edge.snapshot import Ruleset, Snapshot, Zone
from tests.unit.cloudflare_edge.test_expressions import context

ZONE = Zone("z", "localhost")


def rules(**limit: object) -> Rules:
    base = {"characteristics": ["ip.src"], "period": 10, "requests_per_period": 2, **limit}
    rule = {"ref": "r", "action": "block", "expression": "true", "ratelimit": base}
    return Rules(Table(Snapshot((ZONE,), rulesets=(Ruleset("z", "http_ratelimit", (rule,)),))), ZONE)


def test_who_is_refused_may_come_again_after_the_timeout() -> None:
    """One customer behind a busy office address would be locked out for ever, or not at all."""
    now = 0.0
    limits = Limits(lambda: now)
    one, other = context().request, context(client_ip="127.0.0.10").request
    limited = rules(mitigation_timeout=60)
    statuses = [limits.refusal(limited, one) for _ in range(3)]
    assert [bool(status) for status in statuses] == [False, False, True]
    assert limits.refusal(limited, other) is None
    now = 59.0
    assert limits.refusal(limited, one) is not None
    now = 60.0
    assert limits.refusal(limited, one) is None


def test_a_counting_expression_counts_failed_logins_alone() -> None:
    """A cashier who logs in all day would be taken for a guesser."""
    limits = Limits(lambda: 0.0)
    limited = rules(mitigation_timeout=60, counting_expression="http.response.code eq 401")
    request = context().request
    for status in (200, 200, 200, 401, 401, 401):
        assert limits.refusal(limited, request) is None
        limits.count_response(limited, request, Response(status, Headers(), chunks()))
    assert limits.refusal(limited, request) is not None
