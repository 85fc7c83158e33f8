"""workerd's configuration for a program, as Cap'n Proto text; pure: names and paths in, text out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.cloudflare.runtime.model import Binding, Program, RuntimeFailure, Version

BINDINGS_SERVICE_HEADER = "x-localcloud-binding"
"""Says to the service behind KV, R2 and assets bindings which of them a request is for."""
CALLER_HEADER = "x-localcloud-worker"
"""Says to the proxy for ``fetch`` which Worker asks: JSON of its name and whether it goes by the public way always."""
CF_HEADER = "x-localcloud-cf"
"""Carries ``request.cf`` as JSON from the edge to workerd."""
SCHEME_HEADER = "x-localcloud-scheme"
"""The scheme of the request that a Worker sees; workerd takes it off, which ``x-forwarded-proto`` must survive."""

ALIVE = "localcloud:alive"
"""Socket that answers without a Worker, as long as workerd answers at all."""
SCHEDULER = "localcloud:scheduler"
"""Service, and socket, that runs ``scheduled`` handlers: ``{version, cron, time}`` in, outcome out."""
SCHEDULER_SCRIPT = """
export default {
  async fetch(request, env) {
    const { version, cron, time } = await request.json();
    return Response.json(await env[version].scheduled({ cron, scheduledTime: new Date(time) }));
  },
};
"""

MODULE_KINDS = {
    "application/javascript+module": "esModule",
    "text/javascript+module": "esModule",
    "application/javascript": "commonJsModule",
    "text/javascript": "commonJsModule",
    "application/wasm": "wasm",
    "application/octet-stream": "data",
    "application/json": "json",
    "text/plain": "text",
    "text/html": "text",
}


def quoted(text: str) -> str:
    """A Cap'n Proto string literal."""
    out = []
    for byte in text.encode():
        character = chr(byte)
        out.append(f"\\x{byte:02x}" if byte < 0x20 or byte >= 0x7F or character in '"\\' else character)
    return f'"{"".join(out)}"'


def render(
    program: Program,
    *,
    sockets: Mapping[str, str],
    bindings_address: str,
    r2_address: str | None,
    outbound_address: str | None,
    module_path: Callable[[Version, int], str],
) -> str:
    """Text of the configuration.

    ``sockets``: version id → path of the Unix socket it answers on; the scheduler runs if there is one of its name, and
    so does what says that workerd answers.
    ``bindings_address``: address of the service behind
    KV and assets; ``r2_address``: of the one behind R2, None where there is none.
    ``outbound_address``: where ``fetch`` of any address goes, or None: to loopback only.
    ``module_path``: file that holds a version's nth module, relative to the configuration.

    :raises RuntimeFailure: a binding or a module that is not run here.
    """
    services: list[str] = []
    listeners: list[str] = []
    backends: dict[str, str] = {}
    caches: dict[str, str] = {}
    for version in program.versions:
        if not version.modules:
            continue
        name = f"worker:{version.id}"
        outbound = "internet"
        if outbound_address:
            outbound = f"outbound:{version.id}"
            asks = _json([version.worker, "global_fetch_strictly_public" in version.compatibility_flags])
            # A request to a proxy goes without Host where a Worker gave none, which servers of HTTP/1.1 refuse.
            header = f'(name = "host", value = "proxy"), (name = {quoted(CALLER_HEADER)}, value = {quoted(asks)})'
            services.append(_external(outbound, outbound_address, header, style="proxy"))
        cache = f"cache:{version.worker}"
        caches[cache] = json.dumps(["cache", version.worker])
        worker = _worker(version, program, backends, module_path, outbound, cache)
        services.append(f"(name = {quoted(name)}, worker = {worker})")
        listeners.append(
            f"(name = {quoted(version.id)}, address = {quoted('unix:' + sockets[version.id])}, "
            f"service = {quoted(name)}, http = (cfBlobHeader = {quoted(CF_HEADER)}, "
            f"forwardedProtoHeader = {quoted(SCHEME_HEADER)}))"
        )
    if SCHEDULER in sockets:
        services.append(f"(name = {quoted(SCHEDULER)}, worker = {_scheduler(program)})")
        socket = quoted("unix:" + sockets[SCHEDULER])
        listeners.append(f"(name = {quoted(SCHEDULER)}, address = {socket}, service = {quoted(SCHEDULER)})")
    if ALIVE in sockets:
        services.append(f'(name = {quoted(ALIVE)}, disk = (path = "."))')
        socket = quoted("unix:" + sockets[ALIVE])
        listeners.append(f"(name = {quoted(ALIVE)}, address = {socket}, service = {quoted(ALIVE)})")
    for name, label in backends.items():
        header = f"(name = {quoted(BINDINGS_SERVICE_HEADER)}, value = {quoted(label)})"
        address = bindings_address if json.loads(label)[0] != "r2" else r2_address
        if address is None:
            raise RuntimeFailure(
                f"R2 bucket {json.loads(label)[1]} is bound to a Worker, but this edge runs without R2."
            )
        services.append(_external(name, address, header))
    for name, label in caches.items():
        # As to a proxy: the whole address of what is looked for is in the request line.
        header = (
            f'(name = "host", value = "cache"), (name = {quoted(BINDINGS_SERVICE_HEADER)}, value = {quoted(label)})'
        )
        services.append(_external(name, bindings_address, header, style="proxy"))
    if outbound_address is None:
        services.append('(name = "internet", network = (allow = ["local"], deny = []))')
    return (
        'using Workerd = import "/workerd/workerd.capnp";\n'
        "const config :Workerd.Config = (\n"
        f"  services = [\n    {_lines(services)}\n  ],\n"
        f"  sockets = [\n    {_lines(listeners)}\n  ],\n"
        ");\n"
    )


def _lines(items: list[str]) -> str:
    return ",\n    ".join(items)


def _external(name: str, address: str, header: str, style: str = "host") -> str:
    inject = f", injectRequestHeaders = [{header}]" if header else ""
    return f"(name = {quoted(name)}, external = (address = {quoted(address)}, http = (style = {style}{inject})))"


def _worker(
    version: Version,
    program: Program,
    backends: dict[str, str],
    module_path: Callable[[Version, int], str],
    outbound: str,
    cache: str,
) -> str:
    order = sorted(range(len(version.modules)), key=lambda index: version.modules[index].name != version.main_module)
    if version.modules[order[0]].name != version.main_module:
        raise RuntimeFailure(f"Worker {version.worker}: no module is named {version.main_module!r}, the main module.")
    modules = []
    for index in order:
        module = version.modules[index]
        kind = MODULE_KINDS.get(module.content_type.split(";")[0].strip())
        if kind is None:
            if module.content_type == "application/source-map":
                continue
            raise RuntimeFailure(f"Worker {version.worker}: module {module.name} is of type {module.content_type}.")
        modules.append(f"(name = {quoted(module.name)}, {kind} = embed {quoted(module_path(version, index))})")
    bindings = [text for one in version.bindings if (text := _binding(version, one, program, backends))]
    flags = ", ".join(quoted(flag) for flag in version.compatibility_flags)
    return (
        f"(modules = [{', '.join(modules)}], bindings = [{', '.join(bindings)}], "
        f"compatibilityDate = {quoted(version.compatibility_date)}, compatibilityFlags = [{flags}], "
        f"globalOutbound = {quoted(outbound)}, cacheApiOutbound = {quoted(cache)})"
    )


def scheduled_versions(program: Program) -> list[str]:
    """Ids of the versions whose ``scheduled`` handler may run."""
    return [version.id for version in program.versions if version.modules and version.worker in program.scheduled]


def _scheduler(program: Program) -> str:
    bindings = [
        f"(name = {quoted(identity)}, service = {quoted(f'worker:{identity}')})"
        for identity in scheduled_versions(program)
    ]
    return (
        f'(modules = [(name = "scheduler.js", esModule = {quoted(SCHEDULER_SCRIPT)})], '
        f"bindings = [{', '.join(bindings)}], "
        'compatibilityDate = "2025-01-01", compatibilityFlags = ["service_binding_extra_handlers"])'
    )


def _backend(backends: dict[str, str], kind: str, identity: str) -> str:
    name = f"{kind}:{identity}"
    backends[name] = json.dumps([kind, identity])
    return quoted(name)


def _binding(version: Version, binding: Binding, program: Program, backends: dict[str, str]) -> str:
    name = quoted(str(binding["name"]))
    kind = binding["type"]
    match kind:
        case "plain_text" | "secret_text":
            value = f"text = {quoted(str(binding.get('text', '')))}"
        case "json":
            value = f"json = {quoted(_json(binding['json']))}"
        case "version_metadata":
            about = {"id": version.id, "tag": version.tag, "timestamp": version.created_on}
            value = f"json = {quoted(_json(about))}"
        case "kv_namespace":
            value = f"kvNamespace = {_backend(backends, 'kv', str(binding['namespace_id']))}"
        case "r2_bucket":
            value = f"r2Bucket = {_backend(backends, 'r2', str(binding['bucket_name']))}"
        case "assets":
            value = f"service = {_backend(backends, 'assets', version.id)}"
        case "service":
            value = f"service = {_service(version, binding, program)}"
        case _:
            raise RuntimeFailure(
                f"Worker {version.worker}: binding {binding['name']} is of type {kind}, which does not run here."
            )
    return f"(name = {name}, {value})"


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _service(version: Version, binding: Binding, program: Program) -> str:
    target = program.primary.get(str(binding["service"]))
    if target is None:
        raise RuntimeFailure(
            f"Worker {version.worker}: binding {binding['name']} names Worker {binding['service']}, "
            "which is not deployed."
        )
    entrypoint = binding.get("entrypoint")
    suffix = f", entrypoint = {quoted(str(entrypoint))}" if entrypoint else ""
    return f"(name = {quoted(f'worker:{target}')}{suffix})"
