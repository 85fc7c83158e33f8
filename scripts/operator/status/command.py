"""`scripts/store status`: the command line."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from scripts.operator import output
from scripts.operator.engine import Engine
from scripts.operator.errors import Exit
from scripts.operator.options import DEFAULT_STACK, AsJson, ConfigFile, Stack
from scripts.operator.status.collect import collect
from scripts.operator.status.edge import EDGE
from scripts.operator.status.report import Report, Service


def register(app: typer.Typer) -> None:
    """Join the command to `scripts/store`."""
    app.command("status")(status)


def status(
    stack: Stack = DEFAULT_STACK,
    config_file: ConfigFile = None,
    as_json: AsJson = False,
    wait: Annotated[
        float, typer.Option(help="Seconds to give the load balancer for targets that have only just joined.", min=0)
    ] = 15.0,
) -> None:
    """Instances, load balancer, PostgreSQL and Redis: health as the load balancer sees it, releases, sizes, reasons.

    Exit code 1 if anything is not healthy.

    Example: scripts/store status -s production --json
    """
    report = collect(Engine(stack, config_file), wait)
    if as_json:
        output.as_json(report.as_dict())
    else:
        _print(report)
    raise typer.Exit(Exit.OK if report.healthy else Exit.UNWELL)


def _print(report: Report) -> None:
    console = output.console()
    console.print(f"{report.stack}: {report.apiUrl}", highlight=False)
    balancer = report.loadBalancer
    rows: list[tuple[str, ...]] = [
        (
            one.name,
            one.health,
            one.address,
            one.privateAddress,
            one.release or "?",
            _size(one.serverType, one.cores, one.memoryGb),
            one.reason,
        )
        for one in report.instances
    ]
    rows.append(
        (
            balancer.get("name") or "load balancer",
            balancer["health"],
            balancer["address"],
            balancer.get("privateAddress") or "",
            "",
            f"{balancer.get('type', '?')} ({_targets(balancer)})",
            balancer["reason"],
        )
    )
    rows += [_service(one, label) for one, label in ((report.database, "PostgreSQL"), (report.redis, "Redis"))]
    console.print(output.table(("what", "health", "address", "private", "release", "size", "reason"), rows))
    if not report.healthy:
        console.print(f"what to do: {_advice(report)}", highlight=False)


def _service(one: Service, label: str) -> tuple[str, ...]:
    volumes = "".join(f" + {size} GB volume" for size in one.volumesGb)
    size = _size(one.serverType or "?", one.cores, one.memoryGb) + volumes
    return (f"{label} ({one.server or 'no server'})", one.health, "", one.address, "", size, one.reason)


def _size(server_type: str, cores: int | None, memory: float | None) -> str:
    return f"{server_type} ({cores} vCPU, {memory:g} GB)" if cores and memory else server_type


def _targets(balancer: dict[str, Any]) -> str:
    targets = balancer.get("targets") or {"healthy": 0, "total": 0, "limit": 0}
    return f"{targets['healthy']} of {targets['total']} targets healthy, room for {targets['limit']}"


def _advice(report: Report) -> str:
    services = (report.database, report.redis)
    if any("gone" in reason for reason in [one.reason for one in report.instances] + [one.reason for one in services]):
        return f"pulumi refresh -s {report.stack}, then pulumi up -s {report.stack}: both show what is missing"
    for one in services:
        if one.health == "unhealthy" and one.server:
            suffix = "postgres" if one is report.database else "redis"
            return f"scripts/store ssh -s {report.stack} {suffix} sudo journalctl -n 50 says why"
    if any(words in report.loadBalancer["reason"] for words in EDGE.values()):
        return f"pulumi refresh --preview-only --diff -s {report.stack} shows whether record or balancer were changed"
    return f"scripts/store ssh -s {report.stack} medusa sudo journalctl -u medusa -n 50 says why one is not healthy"
