"""Workers and snapshots that the edge's tests are about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.cloudflare.edge.snapshot import CustomDomain, Deployment, Share, Snapshot, Zone
from localcloud.cloudflare.runtime.model import Assets, Module, Program, Version

ZONE = Zone("zone", "localhost", {"ssl": "flexible"})

TELL = """
export default {
  async fetch(request, env) {
    return Response.json({
      version: env.VERSION, method: request.method, url: request.url, cf: request.cf,
      headers: Object.fromEntries(request.headers), body: await request.text(),
    });
  },
};
"""


def version(
    identity: str,
    source: str = TELL,
    *,
    worker: str = "store",
    bindings: tuple[Mapping[str, Any], ...] = (),
    assets: Assets | None = None,
) -> Version:
    """A version of one module that knows its own id as ``env.VERSION``."""
    about = {"type": "plain_text", "name": "VERSION", "text": identity}
    module = Module("index.js", "application/javascript+module", source.encode())
    return Version(identity, worker, "index.js", (module,), (about, *bindings), assets=assets)


def snapshot(*versions: Version, split: Mapping[str, float] | None = None, **more: Any) -> Snapshot:
    """``NAME.localhost`` for each Worker; the first version of each has all its requests unless ``split`` says so."""
    workers: dict[str, list[Version]] = {}
    for one in versions:
        workers.setdefault(one.worker, []).append(one)
    return Snapshot(
        zones=(ZONE,),
        custom_domains=tuple(CustomDomain(f"{name}.localhost", name) for name in workers),
        deployments=tuple(
            Deployment(
                f"deployment-{name}",
                name,
                tuple(Share(one.id, split[one.id]) for one in own) if split else (Share(own[0].id, 100),),
            )
            for name, own in workers.items()
        ),
        program=Program(versions, {name: own[0].id for name, own in workers.items()}),
        **more,
    )
