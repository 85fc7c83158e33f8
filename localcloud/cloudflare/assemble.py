"""From the state to what the data plane is told, part by part."""

from __future__ import annotations

import mimetypes
from functools import lru_cache, partial
from typing import Any

from localcloud.cloudflare.access import assemble as access
from localcloud.cloudflare.buckets import credentials
from localcloud.cloudflare.buckets.domains import managed_name
from localcloud.cloudflare.cloud import Cloud
from localcloud.cloudflare.dataplane.interface import Bucket
from localcloud.cloudflare.edge import snapshot as edge
from localcloud.cloudflare.images import assemble as images
from localcloud.cloudflare.publisher import Part
from localcloud.cloudflare.runtime import model as runtime
from localcloud.cloudflare.store import Blobs, Row, Transaction
from localcloud.cloudflare.zones import settings

ASSET_TEXTS = ("_headers", "_redirects")
"""Files that say how assets are served; the provider uploads them as modules."""
# Kinds of rows that a part of the data plane depends on.
OBJECTS = frozenset({"r2_bucket", "token"})
PICTURES = frozenset({"image", "image_variant", "image_settings"})
TRAFFIC = frozenset({
    "zone", "zone_setting", "dns_record", "ruleset", "worker", "worker_version", "worker_deployment",
    "worker_domain", "worker_route", "purge", "access_app", "access_policy", "access_group", "access_idp",
    "access_service_token", "access_organization", "access_revocation", "origin_certificate",
})  # fmt: skip


def snapshot(tx: Transaction, account: str) -> edge.Snapshot:
    """What the edge serves: everything about traffic that is declared."""
    zones = tx.all("zone", account)
    workers = [row for row in tx.all("worker", account) if _current(tx, row)]
    return edge.Snapshot(
        zones=tuple(edge.Zone(zone["id"], zone["name"], settings.current(tx, zone["id"])) for zone in zones),
        custom_domains=tuple(
            edge.CustomDomain(row["hostname"], row["service"]) for row in tx.all("worker_domain", account)
        ),
        routes=tuple(
            edge.Route(zone["id"], row["pattern"], row["script"])
            for zone in zones
            for row in tx.all("worker_route", zone["id"])
        ),
        records=tuple(
            edge.Record(zone["id"], row["name"], row["type"], row["content"], row["proxied"])
            for zone in zones
            for row in tx.all("dns_record", zone["id"])
            if row["proxiable"]
        ),
        deployments=tuple(_deployment(tx, row) for row in workers),
        rulesets=tuple(
            edge.Ruleset(zone["id"], row["phase"], tuple(row["rules"]))
            for zone in zones
            for row in tx.all("ruleset", zone["id"])
        ),
        purges=tuple(
            edge.Purge(row["id"], zone["id"], row["what"]) for zone in zones for row in tx.all("purge", zone["id"])
        ),
        origin_authorities=tuple(filter(None, [tx.get_meta("origin_ca", {}).get("certificate")])),
        program=_program(tx, account, workers),
    )


def _current(tx: Transaction, worker: Row) -> Row | None:
    found = tx.all("worker_deployment", worker["id"])
    return found[-1] if found else None


def _deployment(tx: Transaction, worker: Row) -> edge.Deployment:
    row = _current(tx, worker)
    assert row is not None, "only Workers that are deployed are asked about"
    shares = tuple(edge.Share(one["version_id"], float(one["percentage"])) for one in row["versions"])
    return edge.Deployment(row["id"], worker["name"], shares)


def _program(tx: Transaction, account: str, workers: list[Row]) -> runtime.Program:
    versions = []
    primary = {}
    for worker in workers:
        deployment = _deployment(tx, worker)
        for share in deployment.versions:
            row = tx.get("worker_version", worker["id"], share.version_id)
            if row is not None:
                versions.append(version(tx, account, worker["name"], row))
        primary[worker["name"]] = max(deployment.versions, key=lambda share: share.percentage).version_id
    return runtime.Program(tuple(versions), primary)


def version(tx: Transaction, account: str, worker: str, row: Row) -> runtime.Version:
    """A version as the runtime takes it."""
    found, modules = row["assets"], row["modules"]
    if found is not None:
        # What is said of the assets may come as modules of these names instead of in their configuration.
        texts = {one["name"]: tx.blobs.get(one["blob"]).decode() for one in modules if one["name"] in ASSET_TEXTS}
        found = {**found, "config": {**found["config"], **texts}}
        modules = [one for one in modules if one["name"] not in texts]
    return runtime.Version(
        id=row["id"],
        worker=worker,
        main_module=row.get("main_module") or row.get("body_part") or "",
        modules=tuple(_module(tx.blobs, one["name"], one["content_type"], one["blob"]) for one in modules),
        bindings=tuple(row["bindings"]),
        compatibility_date=row.get("compatibility_date") or "2021-11-02",
        compatibility_flags=tuple(row.get("compatibility_flags") or ()),
        assets=None if found is None else runtime.Assets(_files(tx, account, found["manifest"]), found["config"]),
        tag=row["annotations"].get("workers/tag", ""),
        created_on=row["created_on"],
    )


@lru_cache(maxsize=256)
def _module(blobs: Blobs, name: str, content_type: str, blob: str) -> runtime.Module:
    # Modules of megabytes go into every snapshot: read once, they are the same object in all of them.
    return runtime.Module(name, content_type, blobs.get(blob))


def _files(tx: Transaction, account: str, manifest: dict[str, Any]) -> dict[str, runtime.AssetFile]:
    files = {}
    for path, one in manifest.items():
        row = tx.get("asset", account, one["hash"])
        if row is not None:
            kind = row["content_type"] or mimetypes.guess_type(path)[0] or "application/octet-stream"
            files[path] = runtime.AssetFile(tx.blobs.path(row["blob"]), kind, one["hash"])
    return files


def buckets(tx: Transaction) -> list[Bucket]:
    """Every bucket that is declared."""
    return [
        Bucket(
            name=row["name"],
            jurisdiction=row["jurisdiction"],
            storage_class=row["storage_class"],
            lifecycle=tuple(rule for rule in row["_lifecycle"] if rule.get("enabled")),
            locks=tuple(rule for rule in row["_lock"] if rule.get("enabled")),
            cors=tuple(row["_cors"] or ()),
            domains=_domains(row),
        )
        for _, row in tx.everywhere("r2_bucket")
    ]


def _domains(row: Row) -> tuple[str, ...]:
    custom = [one["domain"] for one in row["_domains"] if one["enabled"]]
    return (*custom, managed_name(row)) if row["_managed"] else tuple(custom)


def _traffic(cloud: Cloud) -> None:
    with cloud.store.transaction() as tx:
        state = snapshot(tx, cloud.account_id)
        who = access.state(tx, cloud.account_id)
        schedules = {
            row["name"]: tuple(one["cron"] for one in row["_schedules"])
            for row in tx.all("worker", cloud.account_id)
            if row["_schedules"]
        }
    cloud.dataplane.traffic.apply(state, who, schedules)


def _objects(cloud: Cloud) -> None:
    with cloud.store.transaction() as tx:
        wanted, keys = buckets(tx), credentials.of(cloud, tx)
    cloud.dataplane.objects.apply(wanted, keys)


def _pictures(cloud: Cloud) -> None:
    with cloud.store.transaction() as tx:
        library = images.library(cloud, tx)
    cloud.dataplane.pictures.apply(library)


def parts(cloud: Cloud) -> tuple[Part, ...]:
    """Everything that the data plane is told, in the order in which it is told at the start."""
    return (
        Part("objects", OBJECTS, partial(_objects, cloud), at_once=True),
        Part("pictures", PICTURES, partial(_pictures, cloud), at_once=True),
        Part("traffic", TRAFFIC, partial(_traffic, cloud)),
    )
