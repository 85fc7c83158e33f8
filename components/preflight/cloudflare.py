"""What is looked at on Cloudflare before the first resource is declared: account, zone, plan, token, other owners."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from components import plan
from components.edge_rules import PHASES
from components.preflight import questions, shared_zone, taken_names
from components.preflight.permissions import RULES, SETTINGS, needed
from components.preflight.questions import Answer, FoundZone
from components.settings import Environment, Problem, Settings

TOKEN = "cloudflare:apiToken"
LESS_THAN_STRICT = ("off", "flexible", "full")
NOT_ENABLED = re.compile(r"not_enabled|\b10042\b|[Pp]lease enable|not (?:been )?enabled")


class EdgePreflight:
    """One look. `problems` are settings that cannot be; `zone` is None when the zone itself is one of them."""

    def __init__(self, settings: Settings, stack: str) -> None:
        self.settings = settings
        self.stack = stack
        self.zone: FoundZone | None = None
        self.problems = list(self._look())

    def _look(self) -> Iterator[Problem]:
        try:
            found = questions.zones(self.settings.domain)
            zone = next((each for each in found if each.name == self.settings.domain), None)
            yield from self._no_zone() if zone is None else self._wrong_account(zone)
        except PermissionError as error:
            yield self._no_entry(str(error))
            return
        if zone is None:
            return
        self.zone = zone
        yield from self._wrong_plan(zone)
        if zone.account_id in ("", self.settings.cloudflare_account_id):
            yield from self._inside(zone)

    def _no_entry(self, said: str) -> Problem:
        if questions.invalid(said):
            return Problem(TOKEN, None, "is no valid token of Cloudflare", self._new_token())
        rule = f"lacks the permission Zone → Zone → Read on {self.settings.domain}"
        return Problem(TOKEN, None, rule, self._more_permissions())

    def _no_zone(self) -> Iterator[Problem]:
        """The zone is there already: a mistyped domain must not become a new one."""
        domain, seen = self.settings.domain, questions.zones()
        if not seen:
            rule = f"sees no zone at all; it needs the permission Zone → Zone → Read on {domain}"
            yield Problem(TOKEN, None, rule, self._more_permissions())
            return
        names = ", ".join(sorted(zone.name for zone in seen)[:10]) + (" …" if len(seen) > 10 else "")
        rule = (
            f"is no zone that the token sees; it sees {names}. Add the zone on Cloudflare's dashboard (the program "
            "never makes one), give the token access to it, or set domain"
        )
        best = next((zone.name for zone in seen if domain.endswith(f".{zone.name}")), sorted(z.name for z in seen)[0])
        yield Problem("domain", domain, rule, f"pulumi config set domain {best} --stack {self.stack}")
        yield from self._zone_as_account(seen)

    def _zone_as_account(self, seen: list[FoundZone]) -> Iterator[Problem]:
        """The dashboard shows both ids beside each other."""
        given = self.settings.cloudflare_account_id
        for zone in seen:
            if zone.id == given:
                rule = f"is the id of zone {zone.name}, not of an account"
                yield Problem("cloudflareAccountId", given, rule, self._account(zone.account_id))

    def _wrong_account(self, zone: FoundZone) -> Iterator[Problem]:
        given = self.settings.cloudflare_account_id
        if not zone.account_id or zone.account_id == given:
            return
        problems = list(self._zone_as_account([zone] if zone.id == given else questions.zones()))
        if problems:
            yield from problems
            return
        rule = f"is not the account of zone {zone.name}; that one is {zone.account_id} ({zone.account_name})"
        yield Problem("cloudflareAccountId", given, rule, self._account(zone.account_id))

    def _wrong_plan(self, zone: FoundZone) -> Iterator[Problem]:
        """Rules that the plan does not take would be refused in the middle of an update."""
        wanted = self.settings.cloudflare_plan
        if zone.plan and not plan.covers(zone.plan, wanted):
            rule = f"is more than zone {zone.name} has: it is on plan {zone.plan}"
            fix = f"pulumi config set cloudflarePlan {zone.plan} --stack {self.stack}"
            yield Problem("cloudflarePlan", wanted.value, rule, fix)

    def _inside(self, zone: FoundZone) -> Iterator[Problem]:
        wanted = {permission.name: permission for permission in needed(self.settings, zone.id)}
        names = taken_names.questions(self.settings, zone.id) | shared_zone.questions(self.settings, zone.id)
        answers = questions.ask_all({name: each.question for name, each in wanted.items()} | names)
        for name in wanted:
            answer = answers[name]
            if not isinstance(answer, Exception) or questions.absent(answer):
                continue
            product = wanted[name].product
            if product and NOT_ENABLED.search(str(answer)):
                rule = f"is an account in which {product} is not enabled"
                fix = f"enable {product} on Cloudflare's dashboard, then run this again"
                yield Problem("cloudflareAccountId", self.settings.cloudflare_account_id, rule, fix)
            elif questions.refused(answer):
                where = zone.name if name.startswith("Zone") else f"the account {zone.account_name}".rstrip()
                yield Problem(TOKEN, None, f"lacks the permission {name} on {where}", self._more_permissions())
            else:
                raise questions.no_answer(f"what {name} opens", answer)
        self._say_what_tls_becomes(zone, answers.get(SETTINGS))
        shared_zone.warn(self.settings, answers, self.stack)
        yield from self._other_owner(zone, answers.get(RULES))
        yield from taken_names.problems(self.settings, answers, self.stack)

    def _say_what_tls_becomes(self, zone: FoundZone, ssl: Answer | None) -> None:
        """The mode is the whole zone's: names that have nothing to do with the store change with it."""
        mode = ssl.get("value") if isinstance(ssl, Mapping) else None
        if mode in LESS_THAN_STRICT:
            pulumi.log.warn(
                f"Zone {zone.name} is in TLS mode {mode} and becomes strict with this stack, for every name in it: "
                "where one is proxied and its origin shows no certificate that Cloudflare trusts, visitors get a 526."
            )

    def _other_owner(self, zone: FoundZone, rulesets: Answer | None) -> Iterator[Problem]:
        """Two stacks that own one zone replace each other's rules: the API is closed to all, then the store, then …"""
        if rulesets is None or isinstance(rulesets, Exception):
            return
        own = f"{self.settings.prefix}-"
        of_zone = [each for each in rulesets.get("results") or [] if each.get("kind") == "zone"]
        foreign = [each for each in of_zone if not str(each.get("name")).startswith(own)]
        for environment in Environment:
            theirs = [each for each in foreign if str(each.get("name")).startswith(f"{environment}-")]
            if theirs:
                yield self._owned(zone, environment, theirs)
        ours = tuple(f"{environment}-" for environment in Environment)
        unknown = [
            each
            for each in foreign
            if each.get("phase") in PHASES.values() and not str(each.get("name")).startswith(ours)
        ]
        if unknown:
            pulumi.log.warn(
                f"Zone {zone.name} has rules that no stack of this program made ({_named(unknown)}); a zone takes one "
                "ruleset a phase, so that this stack's may be refused. Delete them on the dashboard, or import them."
            )

    def _owned(self, zone: FoundZone, environment: Environment, rulesets: list[dict[str, Any]]) -> Problem:
        rule = f"is a zone that a stack of {environment} owns already: it has the rulesets {_named(rulesets)}"
        if self.settings.environment is Environment.PRODUCTION:
            # Staging thinks that the zone is its own: its productionDomain names another.
            fix = f"pulumi config set productionDomain {zone.name} --stack {environment} && pulumi up -s {environment}"
        elif environment is Environment.PRODUCTION:
            fix = f"pulumi config set productionDomain {zone.name} --stack {self.stack}"
        else:
            fix = f"pulumi config set domain ANOTHER.ZONE --stack {self.stack}"
        return Problem("domain", zone.name, rule, fix)

    def _account(self, account_id: str) -> str:
        return f"pulumi config set cloudflareAccountId {account_id} --stack {self.stack}"

    def _new_token(self) -> str:
        return f"pulumi config set --secret {TOKEN} --stack {self.stack}"

    def _more_permissions(self) -> str:
        return (
            "edit the token on Cloudflare's dashboard (its value stays), or set one that has them: " + self._new_token()
        )


def _named(rulesets: list[dict[str, Any]]) -> str:
    return ", ".join(f"{each.get('name')} in {each.get('phase')}" for each in rulesets)
