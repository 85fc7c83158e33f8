"""The storefront's Worker: one script, its versions, which of them visitors get, and the names that it answers to."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_cloudflare as cloudflare

from components.storefront import serving
from components.storefront.bundle import Bundle

STATE = "STORE_STATE"
"""Binding of the namespace with switches that take effect without a deployment."""


@dataclass(frozen=True)
class StorefrontArgs:
    account_id: str
    zone_id: pulumi.Input[str]
    environment: str
    """Prefix of the names of what is made."""
    storefront_host: str
    status_host: str
    bundle: Bundle
    variables: Mapping[str, pulumi.Input[str] | None]
    """Plain variables; one whose value is None is left out."""
    secrets: Mapping[str, pulumi.Input[str]]
    versions: Mapping[str, float] = field(default_factory=dict)
    """Earlier versions that keep some of the visits: percentages by id. This one gets the rest, by default all.

    At 100 it is uploaded and gets none. Cloudflare splits visits between two versions at most.
    """

    after: Sequence[pulumi.Resource] = ()
    """What must be there before a version asks the API: instances that take its origin secret."""
    replaces: str | None = None
    """Id of somebody else's deployment that is served now: this stack's is then made again."""

    def __post_init__(self) -> None:
        if any(not 0 < share <= 100 for share in self.versions.values()) or self.rest < 0:
            raise ValueError(f"versions {dict(self.versions)}: percentages above 0 and together at most 100 are wanted")
        if len(self.versions) + (self.rest > 0) > 2:
            raise ValueError(f"versions {dict(self.versions)}: Cloudflare splits visits between two versions at most")

    @property
    def rest(self) -> float:
        """Percentage of the visits that this bundle's version gets."""
        return 100 - sum(self.versions.values())


class Storefront(pulumi.ComponentResource):
    """The bundle behind the store's host name, and its status page behind another.

    A version is immutable: a change of code, of an asset, a variable or a secret makes a new one, which then gets the
    visits; Cloudflare keeps the old one, and only the state forgets it. A deployment by somebody else is taken back.

    A host name that has a DNS record already is refused (409, code 100117): the provider asks again for about three
    minutes, in which a record of our own that is on its way out goes, and then says so.
    """

    worker: pulumi.Output[str]
    """The script's name."""
    version: pulumi.Output[str]
    """Id of the version that this bundle became."""
    namespace_id: pulumi.Output[str]
    """Of the namespace with the key `maintenance`."""

    def __init__(self, name: str, args: StorefrontArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:Storefront", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = cloudflare.WorkersKvNamespace(
            f"{name}-state", account_id=args.account_id, title=f"{args.environment}-storefront-state", opts=child
        )
        worker = cloudflare.Worker(
            f"{name}-worker",
            account_id=args.account_id,
            name=serving.worker_name(args.environment),
            observability=cloudflare.WorkerObservabilityArgs(enabled=True, head_sampling_rate=1),
            # The store answers to its own names only: by workers.dev it would be reached past the zone's rules.
            subdomain=cloudflare.WorkerSubdomainArgs(enabled=False, previews_enabled=False),
            opts=child,
        )
        version = cloudflare.WorkerVersion(
            f"{name}-version",
            account_id=args.account_id,
            worker_id=worker.id,
            main_module=args.bundle.main_module,
            modules=_modules(args.bundle),
            assets=_assets(args.bundle),
            bindings=_bindings(args, namespace.id),
            compatibility_date=args.bundle.compatibility_date,
            compatibility_flags=list(args.bundle.compatibility_flags),
            # Told by `wrangler versions list` and by the store's /health: which bundle a version is made of.
            annotations=cloudflare.WorkerVersionAnnotationsArgs(workers_tag=args.bundle.digest),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
        )
        deployment = cloudflare.WorkersDeployment(
            f"{name}-deployment",
            account_id=args.account_id,
            script_name=worker.name,
            strategy="percentage",
            versions=_traffic(version.id, args),
            annotations=cloudflare.WorkersDeploymentAnnotationsArgs(workers_message=serving.message(args.replaces)),
            # The message stays as it was until there is again something to replace.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=None if args.replaces else ["annotations"]),
        )
        for part, host in (("domain", args.storefront_host), ("status-domain", args.status_host)):
            cloudflare.WorkersCustomDomain(
                f"{name}-{part}",
                account_id=args.account_id,
                zone_id=args.zone_id,
                hostname=host,
                service=worker.name,
                # A name without a deployment behind it answers with an error page. And the API knows one domain a
                # name: made anew before the old one is deleted, it would be the one that is deleted.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[deployment], delete_before_replace=True),
            )
        self.worker = worker.name
        self.version = version.id
        self.namespace_id = namespace.id
        self.register_outputs({"worker": self.worker, "version": self.version})


def _traffic(version: pulumi.Output[str], args: StorefrontArgs) -> Any:
    """Which share of the visits each version gets.

    A bundle that did not change is the earlier version itself: named twice, the deployment would be refused.
    """
    share = cloudflare.WorkersDeploymentVersionArgs
    if not args.versions:
        return [share(version_id=version, percentage=100)]

    def split(id: str) -> list[cloudflare.WorkersDeploymentVersionArgs]:
        shares = {id: args.rest}
        for other, percentage in args.versions.items():
            shares[other] = shares.get(other, 0) + percentage
        return [share(version_id=one, percentage=percentage) for one, percentage in shares.items() if percentage > 0]

    return version.apply(split)


def _modules(bundle: Bundle) -> list[cloudflare.WorkerVersionModuleArgs]:
    """By paths that are another for another content: a file that changes in its place is an error of the provider's."""
    return [
        *(
            cloudflare.WorkerVersionModuleArgs(
                name=module.name, content_type=module.content_type, content_file=module.file
            )
            for module in bundle.modules
        ),
        # What is said of the assets goes up as modules of these names.
        *(
            cloudflare.WorkerVersionModuleArgs(
                name=name, content_type="text/plain", content_base64=base64.b64encode(text.encode()).decode()
            )
            for name, text in bundle.texts.items()
        ),
    ]


def _assets(bundle: Bundle) -> cloudflare.WorkerVersionAssetsArgs:
    config = cloudflare.WorkerVersionAssetsConfigArgs(**bundle.assets_config) if bundle.assets_config else None
    return cloudflare.WorkerVersionAssetsArgs(directory=bundle.assets_directory, config=config)


def _bindings(args: StorefrontArgs, namespace: pulumi.Input[str]) -> list[cloudflare.WorkerVersionBindingArgs]:
    """In the order of their names, as the API tells them: in another one the provider finds secrets inconsistent."""
    binding = cloudflare.WorkerVersionBindingArgs
    found = [
        binding(name=args.bundle.assets_binding, type="assets"),
        binding(name="CF_VERSION_METADATA", type="version_metadata"),
        binding(name=STATE, type="kv_namespace", namespace_id=namespace),
        *(
            binding(name=name, type="plain_text", text=value)
            for name, value in args.variables.items()
            if value is not None
        ),
        *(
            binding(name=name, type="secret_text", text=pulumi.Output.secret(value))
            for name, value in args.secrets.items()
        ),
    ]
    return sorted(found, key=lambda one: str(one.name))
