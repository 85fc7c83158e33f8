"""The Hetzner Cloud API as the stack is configured to use it: the real one, or the embedded one for `local`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from scripts.operator.engine import LOCAL, Engine
from scripts.operator.errors import OperatorError
from scripts.operator.stack_api import StackApi

if TYPE_CHECKING:
    from hcloud import Client

TIMEOUT_SECONDS = 10.0
API = StackApi(
    name="Hetzner Cloud",
    embedded="the embedded cloud",
    real="https://api.hetzner.cloud/v1",
    endpoint_key="hcloud:endpoint",
    token_key="hcloud:token",
    token_variable="HCLOUD_TOKEN",
    token_file="token",
)
Answer = TypeVar("Answer")


def client(engine: Engine) -> Client:
    """A client for the stack's project."""
    from hcloud import Client

    return Client(
        API.token(engine),
        api_endpoint=API.endpoint(engine),
        application_name="opticworks-store",
        timeout=TIMEOUT_SECONDS,
    )


@contextmanager
def asking(engine: Engine) -> Iterator[None]:
    """Turns what the API or the way to it does wrong into an OperatorError."""
    import requests
    from hcloud import APIException

    where = API.endpoint(engine)
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
