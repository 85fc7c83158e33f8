"""`scripts/store maintenance`: the command line."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.operator import output
from scripts.operator.cloudflare import Api
from scripts.operator.engine import Engine, past_proxies, project_values
from scripts.operator.errors import Exit, OperatorError
from scripts.operator.maintenance import edge, passes, switch, times
from scripts.operator.options import DEFAULT_STACK, AsJson, ConfigFile, Stack, group

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 5.0
Until = Annotated[str, typer.Option(help="When it is expected to end: ISO 8601 with a zone, or +90m, +1h30m, +2d.")]
Message = Annotated[str, typer.Option(help="A sentence for visitors.")]
Wait = Annotated[float, typer.Option(help="Seconds to wait for the edge to say so; 0 does not wait.", min=0)]

app = group("Close the store and open it again, announce it, and let operators pass. No deployment is made.")


@dataclass(frozen=True)
class Store:
    """One stack's switch and its edge."""

    engine: Engine
    api: Api
    browser: httpx.Client
    namespace: str
    storefront: str
    status: str

    def look(self) -> edge.Seen:
        """What the edge says now."""
        return edge.look(self.browser, self.storefront, self.status)

    @property
    def setting(self) -> str:
        """The setting that closes the store with a deployment, beside the key."""
        return project_values(self.engine.config()).get("maintenance", "").strip()


@contextmanager
def store(stack: str, config_file: Path | None) -> Iterator[Store]:
    """The stack's, while it is looked at."""
    from scripts.operator import http

    past_proxies(stack)
    engine = Engine(stack, config_file)
    namespace, outputs = switch.namespace(engine), engine.outputs()
    api = Api.of(engine, switch.PERMISSION)
    with api.client, http.client(timeout=TIMEOUT_SECONDS) as browser:
        yield Store(engine, api, browser, namespace, str(outputs["storefrontUrl"]), str(outputs["statusUrl"]))


@app.command()
def on(
    until: Until = "",
    message: Message = "",
    wait: Wait = edge.PATIENCE_SECONDS,
    stack: Stack = DEFAULT_STACK,
    config_file: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Close the store now: visitors get 503 with Retry-After and the end in their own time.

    It stays closed until `off`, also when the end has passed. The API is not closed.

    Example: scripts/store maintenance on --until +90m --message 'A new database.' -s production
    """
    end = times.read("--until", until, datetime.now(UTC)) if until else None
    value = switch.value(end, message)
    with store(stack, config_file) as found:

        def closed(seen: edge.Seen) -> bool:
            # The variable of a deployment goes before the key, with an end of its own.
            return seen.active and (seen.until == end or bool(found.setting))

        _switch(found, value, closed, f"closed until {times.told(end) if end else 'somebody opens it'}", wait, as_json)


@app.command()
def off(
    wait: Wait = edge.PATIENCE_SECONDS,
    stack: Stack = DEFAULT_STACK,
    config_file: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Open the store, or take an announcement back.

    Example: scripts/store maintenance off -s production
    """
    with store(stack, config_file) as found:
        if found.setting:
            switch.write(found.api, found.namespace, switch.OFF)
            raise OperatorError(
                f"the key is off, but the setting maintenance ({found.setting}) closes the store with a deployment",
                advice=f"pulumi config rm maintenance -s {stack} && pulumi up -s {stack}",
                code=Exit.UNWELL,
            )
        _switch(found, switch.OFF, lambda seen: not seen.active and not seen.announced, "open", wait, as_json)


@app.command()
def announce(
    start: Annotated[str, typer.Option("--from", help="When the store closes by itself; as --until.")],
    until: Annotated[str, typer.Option(help="When it is expected to end; +90m counts from --from on.")],
    message: Message = "",
    wait: Wait = edge.PATIENCE_SECONDS,
    stack: Stack = DEFAULT_STACK,
    config_file: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Announce maintenance on the status page; the store closes by itself when it begins, and opens by `off`.

    Example: scripts/store maintenance announce --from 2026-05-01T12:00Z --until +2h -s production
    """
    begin = times.read("--from", start, datetime.now(UTC))
    end = times.read("--until", until, datetime.now(UTC), begin)
    value = switch.value(end, message, begin)
    with store(stack, config_file) as found:
        if switch.closes(switch.read(found.api, found.namespace), datetime.now(UTC)):
            # One key says both: what is announced would open the store until then.
            raise OperatorError(
                f"the store of stack {stack} is closed now, and an announcement would open it",
                advice=f"scripts/store maintenance off -s {stack}, then announce",
                code=Exit.UNWELL,
            )
        what = f"an announcement of {times.told(begin)}"
        _switch(found, value, lambda seen: seen.announced == begin, what, wait, as_json)


@app.command()
def status(stack: Stack = DEFAULT_STACK, config_file: ConfigFile = None, as_json: AsJson = False) -> None:
    """Whether the store is closed: by what the switch holds, by the stack's setting, and by what the edge says.

    Example: scripts/store maintenance status -s production
    """
    with store(stack, config_file) as found:
        seen, value, setting = found.look(), switch.read(found.api, found.namespace), found.setting
    if as_json:
        output.as_json({"switch": value, "setting": setting or None, **_json(seen)})
    else:
        rows = [("edge", seen.words()), ("key maintenance", value or "not set"), ("setting", setting or "not set")]
        output.console().print(output.table(("where", "says"), rows))
    raise typer.Exit(Exit.UNWELL if seen.problem else Exit.OK)


@app.command("pass")
def pass_(
    holder: Annotated[str, typer.Option("--for", help="Who it is made out to; else who calls.")] = "",
    hours: Annotated[float, typer.Option(help="Hours that it is good for, at most 24.")] = 1.0,
    stack: Stack = DEFAULT_STACK,
    config_file: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Print a link that lets a browser see the store while it is closed. Whoever has the link passes.

    Example: scripts/store maintenance pass --for ada@optic.works --hours 2 -s production
    """
    name, expires = passes.holder(holder), passes.expiry(hours, time.time())
    engine = Engine(stack, config_file)
    base = engine.outputs().get("storefrontUrl")
    if not base:
        raise OperatorError(f"stack {stack} has no storefrontUrl", advice=f"pulumi up -s {stack}")
    url = f"{base}/maintenance/pass?token={passes.token(passes.secret(engine), name, expires)}"
    end = times.told(datetime.fromtimestamp(expires, UTC))
    if as_json:
        output.as_json({"url": url, "holder": name, "expires": end})
        return
    print(url)
    sys.stderr.write(f"a pass for {name}, good until {end}\n")


def _switch(
    found: Store, value: str, wanted: Callable[[edge.Seen], bool], what: str, seconds: float, as_json: bool
) -> None:
    """Write the key, wait until the edge says so, and say it."""
    switch.write(found.api, found.namespace, value)
    stack = found.engine.stack
    seen = None
    if seconds:
        advice = f"scripts/store maintenance status -s {stack}; KV's cache holds what was there for a minute"
        seen = edge.wait(found.look, lambda one: not one.problem and wanted(one), what, advice, seconds)
    if as_json:
        output.as_json({"switch": value, **(_json(seen) if seen else {})})
    elif seen:
        print(f"{found.storefront}: {seen.words()}. Other places follow within about a minute.")
    else:
        print(f"{found.storefront}: written; the edge follows within about a minute")


def _json(seen: edge.Seen) -> dict[str, object]:
    return {
        "active": None if seen.problem else seen.active,
        "until": times.told(seen.until) if seen.until else None,
        "announced": times.told(seen.announced) if seen.announced else None,
        "problem": seen.problem or None,
    }
