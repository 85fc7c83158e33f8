"""The Hetzner Cloud API as the stack is configured to use it: the real one, or the embedded one for `local`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from scripts.operator.engine import LOCAL, Engine, cloud_home
from scripts.operator.errors import OperatorError

if TYPE_CHECKING:
    from hcloud import Client

REAL = "https://api.hetzner.cloud/v1"
TIMEOUT_SECONDS = 10.0
Answer = TypeVar("Answer")


def endpoint(engine: Engine) -> str:
    """The API's address: the stack's `hcloud:endpoint`, else Hetzner's. HCLOUD_ENDPOINT of the shell is not asked:
    scripts/env points it at the embedded cloud, which knows nothing of staging and production."""
    entry = engine.config().get("hcloud:endpoint")
    return str(entry["value"]).rstrip("/") if entry and entry.get("value") else REAL


def token(engine: Engine, home: Path | None = None) -> str:
    """The API token: the embedded cloud's own for `local`, else `hcloud:token` of the stack or HCLOUD_TOKEN."""
    own = (home or cloud_home(engine.root)) / "token"
    embedded = own.read_text(encoding="utf-8").strip() if own.is_file() else ""
    if engine.stack == LOCAL:
        if not embedded:
            raise OperatorError("the embedded cloud has not run in this checkout", advice="run scripts/up")
        return embedded
    if "hcloud:token" in engine.config():
        return str(engine.config(show_secrets=True)["hcloud:token"]["value"])
    # In a shell with scripts/env, HCLOUD_TOKEN is the embedded cloud's and the caller's own was put aside.
    outer = os.environ.get("OPTICWORKS_OUTER_HCLOUD_TOKEN", "")
    given = os.environ.get("HCLOUD_TOKEN", "")
    chosen = given if given and given != embedded else outer
    if not chosen:
        raise OperatorError(
            f"no Hetzner Cloud token for stack {engine.stack}",
            advice="export HCLOUD_TOKEN=…, or store it: pulumi config set --secret hcloud:token -s " + engine.stack,
        )
    return chosen


def client(engine: Engine) -> Client:
    """A client for the stack's project."""
    from hcloud import Client

    return Client(
        token(engine), api_endpoint=endpoint(engine), application_name="opticworks-store", timeout=TIMEOUT_SECONDS
    )


@contextmanager
def asking(engine: Engine) -> Iterator[None]:
    """Turns what the API or the way to it does wrong into an OperatorError."""
    import requests
    from hcloud import APIException

    where = endpoint(engine)
    try:
        yield
    except APIException as error:
        advice = "check the token (HCLOUD_TOKEN or hcloud:token)" if error.code == "unauthorized" else "try again"
        raise OperatorError(
            f"the Hetzner Cloud API at {where} said: {error.message} ({error.code})", advice=advice
        ) from error
    except requests.RequestException as error:
        local = engine.stack == LOCAL
        raise OperatorError(
            f"the {'embedded cloud' if local else 'Hetzner Cloud API'} at {where} does not answer",
            advice="python -m localcloud start, or scripts/up" if local else "check the network; status.hetzner.com",
        ) from error


def ask(engine: Engine, question: Callable[[Client], Answer]) -> Answer:
    """`question` put to the stack's API."""
    with asking(engine):
        return question(client(engine))
