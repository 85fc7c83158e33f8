"""Who may open the admin and the metrics: a login by e-mail before them, at the edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pulumi
import pulumi_cloudflare as cloudflare

from components.edge_rules import ADMIN_PATH
from components.settings import Settings

WORKING_DAY = "8h"
"""A policy's duration goes before its application's: one that differed would be the one that counts."""


class Level(StrEnum):
    """The guide's levels. The edge lets all of them in; what each may do inside is for Medusa's own users."""

    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


def levels(settings: Settings) -> dict[Level, tuple[str, ...]]:
    """Who has which level in a stack."""
    return {
        Level.ADMIN: settings.access_admins,
        Level.EDITOR: settings.access_editors,
        Level.VIEWER: settings.access_viewers,
    }


@dataclass(frozen=True)
class AdminAccessArgs:
    account_id: str
    environment: str
    api_host: str
    metrics_host: str
    members: Mapping[Level, Sequence[str]]
    """E-mail addresses, or @domain for everybody of a domain. A level without members has no group."""


class AdminAccess(pulumi.ComponentResource):
    """Access applications for the admin and the metrics, a group and a policy for each level, and one for programs.

    A program sends the service token in the headers CF-Access-Client-Id and CF-Access-Client-Secret.
    """

    client_id: pulumi.Output[str]
    client_secret: pulumi.Output[str]
    """Secret."""

    def __init__(self, name: str, args: AdminAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:AdminAccess", name, None, opts)
        self._name = name
        self._args = args
        token = cloudflare.ZeroTrustAccessServiceToken(
            f"{name}-token",
            account_id=args.account_id,
            name=f"{args.environment}-programs",
            # A year; an expired one is refused, and whoever uses it learns of it on the spot.
            duration="8760h",
            opts=pulumi.ResourceOptions(parent=self),
        )
        programs = cloudflare.ZeroTrustAccessPolicy(
            f"{name}-programs",
            account_id=args.account_id,
            name=f"{args.environment}-programs",
            # No login page: the token is who it is.
            decision="non_identity",
            includes=[
                cloudflare.ZeroTrustAccessPolicyIncludeArgs(
                    service_token=cloudflare.ZeroTrustAccessPolicyIncludeServiceTokenArgs(token_id=token.id)
                )
            ],
            session_duration="1h",
            opts=pulumi.ResourceOptions(parent=self),
        )
        people = [self._policy(level) for level in Level if args.members.get(level)]
        self._application("admin", f"{args.api_host}{ADMIN_PATH}", WORKING_DAY, [*people, programs])
        self._application("metrics", args.metrics_host, WORKING_DAY, [*people, programs])
        self.client_id = token.client_id
        self.client_secret = pulumi.Output.secret(token.client_secret)
        self.register_outputs({"clientId": self.client_id})

    def _policy(self, level: Level) -> cloudflare.ZeroTrustAccessPolicy:
        group = cloudflare.ZeroTrustAccessGroup(
            f"{self._name}-{level}-group",
            account_id=self._args.account_id,
            name=f"{self._args.environment}-{level}",
            includes=[_member(one) for one in self._args.members[level]],
            opts=pulumi.ResourceOptions(parent=self),
        )
        return cloudflare.ZeroTrustAccessPolicy(
            f"{self._name}-{level}",
            account_id=self._args.account_id,
            name=f"{self._args.environment}-{level}",
            decision="allow",
            includes=[
                cloudflare.ZeroTrustAccessPolicyIncludeArgs(
                    group=cloudflare.ZeroTrustAccessPolicyIncludeGroupArgs(id=group.id)
                )
            ],
            session_duration=WORKING_DAY,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _application(
        self, part: str, domain: str, session: str, policies: Sequence[cloudflare.ZeroTrustAccessPolicy]
    ) -> None:
        cloudflare.ZeroTrustAccessApplication(
            f"{self._name}-{part}-application",
            account_id=self._args.account_id,
            name=f"{self._args.environment}-{part}",
            type="self_hosted",
            domain=domain,
            session_duration=session,
            policies=[
                cloudflare.ZeroTrustAccessApplicationPolicyArgs(id=policy.id, precedence=number)
                for number, policy in enumerate(policies, start=1)
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )


def _member(who: str) -> cloudflare.ZeroTrustAccessGroupIncludeArgs:
    if who.startswith("@"):
        return cloudflare.ZeroTrustAccessGroupIncludeArgs(
            email_domain=cloudflare.ZeroTrustAccessGroupIncludeEmailDomainArgs(domain=who.removeprefix("@"))
        )
    return cloudflare.ZeroTrustAccessGroupIncludeArgs(email=cloudflare.ZeroTrustAccessGroupIncludeEmailArgs(email=who))
