"""All of Medusa's instances, brought to one release."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pulumi

from components.backend.environment import environment
from components.backend.instance import Instance, InstanceArgs
from components.backend.release import ReleaseError, read
from components.load_balancer import LoadBalancer
from components.role import secret_json
from components.secrets import secret
from components.server import Server
from components.settings import Settings

AT_ONCE = 10
"""One in so many instances, and one at least, changes its release at the same time: the others serve."""


@dataclass(frozen=True)
class BackendArgs:
    """`after`: ids that change when the database is made anew; its schema is then made anew, too.

    `origin_secrets`: the value that the edge sends in X-Origin-Secret, then, while it rotates, the one before. Proxies
    refuse requests with neither.
    """

    instances: Sequence[Server]
    load_balancer: LoadBalancer
    release: Path
    database_url: pulumi.Input[str]
    redis_url: pulumi.Input[str]
    cache_redis_url: pulumi.Input[str]
    settings: Settings
    origin_secrets: Sequence[pulumi.Input[str]]
    after: Sequence[pulumi.Input[str]] = field(default_factory=tuple)


class Backend(pulumi.ComponentResource):
    """The order that keeps the store whole: release on instance 1, migrations once, then each instance in its turn.

    `joined`: with all of them, every proxy takes the origin secrets given, and every instance serves customers.
    `release`: its digest.
    `publishable_key`: of the demo data's storefront, None where none is sown.
    """

    joined: list[pulumi.Resource]
    release: str
    publishable_key: pulumi.Output[str | None]

    def __init__(self, name: str, args: BackendArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:Backend", name, None, opts)
        try:
            release = read(args.release)
        except ReleaseError as error:
            raise pulumi.RunError(str(error)) from None
        self.release = release.digest
        settings, balancer = args.settings, args.load_balancer
        values = secret_json(
            environment(
                settings,
                balancer_address=balancer.private_ip,
                database_url=args.database_url,
                redis_url=args.redis_url,
                cache_redis_url=args.cache_redis_url,
            )
        )
        instances = [
            Instance(
                f"{name}-{number}",
                InstanceArgs(
                    server=server,
                    load_balancer=balancer,
                    release=release,
                    environment=values,
                    private_key=secret(settings.ssh_private_key),
                    origin_secrets=args.origin_secrets,
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for number, server in enumerate(args.instances, start=1)
        ]
        first = instances[0]
        prepared: list[pulumi.Resource] = [
            first.command(
                "migrate",
                f"sudo -n store-release migrate {release.digest}",
                stdin=values,
                triggers=args.after,
                depends_on=[first.installed],
            )
        ]
        self.publishable_key = pulumi.Output.from_input(None)
        if settings.seed_demo_data:
            seeded = first.command(
                "seed",
                f"sudo -n store-release seed {release.digest}",
                stdin=values,
                triggers=args.after,
                depends_on=prepared,
                show=False,
            )
            prepared.append(seeded)
            # A publishable key is public: it stands in every page of the storefront.
            self.publishable_key = pulumi.Output.unsecret(seeded.stdout.apply(publishable_key))
        lanes = max(1, len(instances) // AT_ONCE)
        serving: list[pulumi.Resource] = []
        for index, instance in enumerate(instances):
            turn = [serving[index - lanes]] if index >= lanes else []
            serving.append(instance.serve(after=[*prepared, *turn], others=len(instances) > 1))
        self.joined = [instance.joined for instance in instances]
        self.register_outputs({"release": release.digest, "publishableKey": self.publishable_key})


def publishable_key(said: str) -> str | None:
    """From what `store-release seed` prints; None where it printed nothing."""
    return str(json.loads(said)["publishableKey"]) if said.strip() else None
