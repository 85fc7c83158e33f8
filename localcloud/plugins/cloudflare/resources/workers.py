"""Workers but for their code: routes, domains, deployments, schedules, KV namespaces."""

from __future__ import annotations

from typing import Any, ClassVar

from localcloud.plugins.base.values import Properties
from localcloud.plugins.cloudflare.client import Api
from localcloud.plugins.cloudflare.resource import CloudflareResource
from localcloud.plugins.cloudflare.rest import Rest

_ACCOUNT = frozenset({"accountId"})
_SCRIPT = "/accounts/{accountId}/workers/scripts/{scriptName}"
_SCRIPT_KEYS = frozenset({"accountId", "scriptName"})

DEPLOYMENT = Rest(
    "WorkersDeployment",
    _SCRIPT + "/deployments",
    update=None,
    delete=False,
    replace="all",
    import_id="{accountId}/{scriptName}/{id}",
    query=frozenset({"force"}),
    unordered=frozenset({"versions"}),
)
CUSTOM_DOMAIN = Rest(
    "WorkersCustomDomain",
    "/accounts/{accountId}/workers/domains",
    create="PUT",
    update=None,
    replace="all",
    import_id="{accountId}/{id}",
)
ROUTE = Rest(
    "WorkersRoute",
    "/zones/{zoneId}/workers/routes",
    replace=frozenset({"zoneId"}),
    import_id="{zoneId}/{id}",
    plain=frozenset({"script"}),
)
SUBDOMAIN = Rest(
    "WorkersScriptSubdomain",
    _SCRIPT + "/subdomain",
    item=_SCRIPT + "/subdomain",
    id="scriptName",
    update="POST",
    replace=_SCRIPT_KEYS,
    import_id="{accountId}/{scriptName}",
)
KV_NAMESPACE = Rest(
    "WorkersKvNamespace",
    "/accounts/{accountId}/storage/kv/namespaces",
    # Both can only be said when the namespace is made.
    replace=frozenset({"accountId", "jurisdiction", "mode"}),
    import_id="{accountId}/{id}",
    stable=frozenset({"supportsUrlEncoding"}),
)


class Worker(CloudflareResource):
    """A Worker as a thing with settings; its code is in versions."""

    rest: ClassVar[Rest] = Rest(
        "Worker",
        "/accounts/{accountId}/workers/workers",
        replace=_ACCOUNT,
        import_id="{accountId}/{id}",
        unsent=frozenset({"force"}),
        unordered=frozenset({"tags", "tailConsumers"}),
        stable=frozenset({"createdOn"}),
    )

    def remove(self, api: Api, id: str, state: Properties) -> None:
        """Delete it, also under other Workers' feet when ``force`` says so."""
        api.ask("DELETE", self.path(self.item, id, state) + ("?force=true" if state.get("force") else ""))


class WorkersCronTrigger(CloudflareResource):
    """A script's schedules, all in one call. They stay in the API when the resource goes."""

    rest: ClassVar[Rest] = Rest(
        "WorkersCronTrigger",
        _SCRIPT + "/schedules",
        item=_SCRIPT + "/schedules",
        id="scriptName",
        create="PUT",
        delete=False,
        replace=_SCRIPT_KEYS,
        import_id="{accountId}/{scriptName}",
        unordered=frozenset({"schedules"}),
    )

    def body(self, inputs: Properties) -> Any:
        return [{"cron": schedule["cron"]} for schedule in inputs["schedules"]]


PLAIN = (DEPLOYMENT, CUSTOM_DOMAIN, ROUTE, SUBDOMAIN, KV_NAMESPACE)
SPECIAL = (Worker, WorkersCronTrigger)
