"""What Cloudflare does with each request: the origin's secret, limits, caching.

A zone has one ruleset for each phase, so its owner carries the rules of every host name in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components import plan
from components.secrets import secret
from components.settings import Settings

HEADER = "X-Origin-Secret"
"""What the node proxy of an instance checks; it answers 403 without."""

PHASES = {
    "origin": "http_request_late_transform",
    "limits": "http_ratelimit",
    "cache": "http_request_cache_settings",
}
"""Of the rulesets that a zone's owner declares."""

ADMIN_PATH = "/app"
"""Where Medusa serves its admin."""

LOGIN = 'http.request.uri.path wildcard "/auth/*/emailpass*"'
CHECKOUT = (
    '(http.request.uri.path wildcard "/store/carts/*/complete*"'
    ' or http.request.uri.path wildcard "/store/payment-collections*")'
)
"""`wildcard` does not mind upper case, and neither does Medusa's router."""

COUNTED_BY = ["cf.colo.id", "ip.src"]
"""Each data center counts for itself; a count for the whole world is not to be had."""


@dataclass(frozen=True)
class ApiHost:
    """An API's host name in the zone."""

    environment: str
    host: str
    origin_secret: pulumi.Input[str]
    """What its own servers ask for; secret."""


def api_hosts(settings: Settings) -> list[ApiHost]:
    """Those whose rules the stack carries: its own, and in production staging's where it is told of it."""
    found = [ApiHost(settings.prefix, settings.api_host, secret(settings.origin_secret))]
    if settings.staging_api_host and settings.staging_origin_secret:
        found.append(ApiHost("staging", settings.staging_api_host, secret(settings.staging_origin_secret)))
    return found


@dataclass(frozen=True)
class EdgeRulesArgs:
    zone_id: str
    environment: str
    plan: str
    """free, pro or business."""
    apis: Sequence[ApiHost]
    owned: bool = True
    """Whether this stack owns the zone; it declares nothing otherwise."""
    after: Sequence[pulumi.Resource] = ()
    """The instances: a new secret may be sent only when all of them take it. (A component's own `depends_on` would not
    reach the rulesets in it.)"""


class EdgeRules(pulumi.ComponentResource):
    """The zone's rulesets, one for each phase that is used."""

    def __init__(self, name: str, args: EdgeRulesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:EdgeRules", name, None, opts)
        self._name = name
        self._args = args
        if args.owned:
            self._ruleset("origin", _secrets(args.apis), hidden=True)
            self._ruleset("limits", limits(args.plan, [api.host for api in args.apis]))
            self._ruleset("cache", _cache([api.host for api in args.apis]))
        self.register_outputs({"owned": args.owned})

    def _ruleset(
        self, part: str, rules: Sequence[cloudflare.RulesetRuleArgs], hidden: bool = False
    ) -> cloudflare.Ruleset:
        return cloudflare.Ruleset(
            f"{self._name}-{part}",
            zone_id=self._args.zone_id,
            name=f"{self._args.environment}-{part}",
            description=f"OpticWorks Store {self._args.environment}",
            kind="zone",
            phase=PHASES[part],
            rules=rules,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(self._args.after),
                # A phase takes one ruleset, so that a new one cannot come before the old one is gone.
                delete_before_replace=True,
                # What the API tells of the rules has the secrets in it again.
                additional_secret_outputs=["rules"] if hidden else None,
            ),
        )


def limits(plan_name: str, hosts: Sequence[str]) -> list[cloudflare.RulesetRuleArgs]:
    """Who tries passwords or cards is slowed down, as far as the plan can tell it.

    free: one rule, ten seconds, by path alone. pro: two rules, a minute, by host name and path; a browser's preflight
    counts as well, so the numbers are twice what people may do. business: by method too.
    """
    holds = plan.limits(plan_name).rate_limits
    if not holds.by_host:
        return [_limit("login-and-checkout", f"({LOGIN}) or {CHECKOUT}", requests=10, period=10, pause=10)]
    where = f"(http.host in {_set(hosts)})"
    if holds.by_method:
        where += ' and (http.request.method eq "POST")'
    twice = 1 if holds.by_method else 2
    return [
        _limit("login", f"{where} and ({LOGIN})", requests=10 * twice, period=60, pause=600),
        _limit("checkout", f"{where} and {CHECKOUT}", requests=20 * twice, period=60, pause=60),
    ]


def _limit(ref: str, expression: str, *, requests: int, period: int, pause: int) -> cloudflare.RulesetRuleArgs:
    """`pause`: seconds for which everything that the rule is about is refused (429) to who passed the limit."""
    return cloudflare.RulesetRuleArgs(
        ref=ref,
        description=f"At most {requests} in {period} s",
        expression=expression,
        action="block",
        enabled=True,
        ratelimit=cloudflare.RulesetRuleRatelimitArgs(
            characteristics=COUNTED_BY, period=period, requests_per_period=requests, mitigation_timeout=pause
        ),
    )


def _secrets(apis: Sequence[ApiHost]) -> list[cloudflare.RulesetRuleArgs]:
    """`set` replaces what a client sent under that name."""
    return [
        cloudflare.RulesetRuleArgs(
            ref=f"origin-secret-{api.environment}",
            description=f"Servers of {api.environment} answer nobody else",
            expression=f"(http.host eq {_text(api.host)})",
            action="rewrite",
            enabled=True,
            action_parameters=cloudflare.RulesetRuleActionParametersArgs(
                headers={
                    HEADER: cloudflare.RulesetRuleActionParametersHeadersArgs(
                        operation="set", value=pulumi.Output.secret(api.origin_secret)
                    )
                }
            ),
        )
        for api in apis
    ]


def _cache(hosts: Sequence[str]) -> list[cloudflare.RulesetRuleArgs]:
    """Nothing of an API is kept but the admin's scripts and styles, whose names change with their content.

    The storefront needs no rule: its Worker answers before the cache, and Cloudflare Images keeps its own.
    """
    here = f"(http.host in {_set(hosts)})"
    assets = f'starts_with(http.request.uri.path, "{ADMIN_PATH}/assets/")'
    return [
        cloudflare.RulesetRuleArgs(
            ref="api-uncached",
            description="Carts and prices are each customer's own",
            expression=f"{here} and not {assets}",
            action="set_cache_settings",
            enabled=True,
            action_parameters=cloudflare.RulesetRuleActionParametersArgs(cache=False),
        ),
        cloudflare.RulesetRuleArgs(
            ref="admin-assets",
            description="Kept as long as the origin says, and not at all where it says nothing",
            expression=f"{here} and {assets}",
            action="set_cache_settings",
            enabled=True,
            action_parameters=cloudflare.RulesetRuleActionParametersArgs(
                cache=True,
                edge_ttl=cloudflare.RulesetRuleActionParametersEdgeTtlArgs(mode="bypass_by_default"),
                browser_ttl=cloudflare.RulesetRuleActionParametersBrowserTtlArgs(mode="respect_origin"),
            ),
        ),
    ]


def _text(value: str) -> str:
    """A string of the rules language; host names need nothing that JSON writes another way."""
    return json.dumps(value)


def _set(values: Sequence[str]) -> str:
    return "{" + " ".join(_text(value) for value in values) + "}"
