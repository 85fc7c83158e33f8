"""`scripts/store smoke`: the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from scripts.operator import output
from scripts.operator.engine import Engine, past_proxies
from scripts.operator.errors import Exit, OperatorError
from scripts.operator.options import DEFAULT_STACK, AsJson, ConfigFile, Stack
from scripts.operator.smoke.page import Page
from scripts.operator.smoke.path import Step, walk
from scripts.operator.smoke.shop import Shop


def register(app: typer.Typer) -> None:
    """Join the command to `scripts/store`."""
    app.command("smoke")(smoke)


def smoke(
    stack: Stack = DEFAULT_STACK,
    config_file: ConfigFile = None,
    publishable_key: Annotated[
        str, typer.Option(envvar="MEDUSA_PUBLISHABLE_KEY", help="The storefront's key (pk_…); else the stack's output.")
    ] = "",
    url: Annotated[str, typer.Option(help="The API's address; else the stack's output apiUrl.")] = "",
    storefront_url: Annotated[
        str, typer.Option(help="The storefront's address; else the stack's output, unless --url is given.")
    ] = "",
    timeout: Annotated[float, typer.Option(help="Seconds that one step may take.", min=0.1)] = 10.0,
    as_json: AsJson = False,
) -> None:
    """A customer's path through the edge: the storefront's page and its pictures, then the API's health, region,
    products, cart, line item and totals; each timed.

    It leaves one cart behind and orders nothing. Exit code 1 if a step fails.

    Example: scripts/store smoke -s staging
    """
    from scripts.operator import http

    past_proxies(stack)
    outputs = {} if url and publishable_key else Engine(stack, config_file).outputs()
    base = url or outputs.get("apiUrl") or ""
    key = publishable_key or outputs.get("publishableKey") or ""
    if not base:
        raise OperatorError(f"stack {stack} has no apiUrl", advice=f"pulumi up -s {stack}")
    if not key:
        raise OperatorError(
            f"stack {stack} has no publishable key in its outputs: only a seeded store knows one",
            advice="Admin → Settings → Publishable API keys; then scripts/store smoke --publishable-key pk_…",
        )
    shown = storefront_url or ("" if url else outputs.get("storefrontUrl") or "")
    with (
        http.client(base, headers={"x-publishable-api-key": key}, timeout=timeout) as client,
        http.client(timeout=timeout, follow_redirects=True) as browser,
    ):
        steps = walk(Shop(client), Page(browser, shown, outputs.get("imagesUrl") or "") if shown else None)
    failed = next((step for step in steps if not step.ok), None)
    if as_json:
        listed = [{"name": s.name, "ok": s.ok, "ms": round(s.milliseconds, 1), "result": s.result} for s in steps]
        output.as_json({"ok": failed is None, "url": base, "storefrontUrl": shown or None, "steps": listed})
    else:
        _print(f"{shown}, {base}" if shown else base, steps)
    if failed:
        # A store that was closed on purpose answers so, too, and `status` finds nothing wrong with its servers.
        closed = failed.name == "storefront" and failed.result.startswith(f"{shown} answers 503")
        look = "maintenance status" if closed else "status"
        raise OperatorError(
            f"{failed.name}: {failed.result}", advice=f"scripts/store {look} -s {stack}", code=Exit.UNWELL
        )


def _print(base: str, steps: list[Step]) -> None:
    console = output.console()
    console.print(base, highlight=False)
    rows = [(s.name, "ok" if s.ok else "failed", f"{s.milliseconds:.0f} ms", s.result) for s in steps]
    console.print(output.table(("step", "", "time", "result"), rows))
    console.print(f"{sum(s.milliseconds for s in steps) / 1000:.1f} s in all", highlight=False)
