"""The provider's configuration: from Pulumi's configuration, else from the environment."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from localcloud.plugins.base.endpoint import Endpoint
from localcloud.plugins.base.operations import Failure
from localcloud.plugins.base.values import Properties, is_unknown
from localcloud.plugins.hcloud.api import Poll

ENDPOINT = Endpoint(
    plugin="hcloud",
    real="https://api.hetzner.cloud/v1",
    example="http://127.0.0.1:8470/v1",
    setting="hcloud:endpoint (or HCLOUD_ENDPOINT)",
    embedded="an embedded cloud",
    owned="Hetzner project",
)
_TOKEN_LENGTH = 64
_TOKEN = re.compile(r"[!-~]+")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")


@dataclass(frozen=True)
class Config:
    """A configuration that is right. ``token`` has 64 characters."""

    endpoint: str
    token: str
    poll: Poll


def seconds(text: str) -> float:
    """A duration as Go writes it: ``500ms``, ``1m30s``. Raises ValueError."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration; write for example 500ms or 2s")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def read(config: Properties) -> tuple[Config, list[Failure]]:
    """The configuration and everything that is wrong with it; what is unknown yet is taken to be right."""
    failures: list[Failure] = []
    token = config.get("token") or os.environ.get("HCLOUD_TOKEN") or ""
    if not token:
        failures.append(Failure("token", "no token: pulumi config set --secret hcloud:token, or set HCLOUD_TOKEN"))
    elif not is_unknown(token) and len(token) != _TOKEN_LENGTH:
        failures.append(Failure("token", f"entered token is invalid (must be exactly {_TOKEN_LENGTH} characters long)"))
    elif not is_unknown(token) and not _TOKEN.fullmatch(token):
        # A line break in a header would show the token in the error.
        failures.append(Failure("token", "entered token is invalid (it holds a space, a line break or no ASCII)"))
    endpoint = config.get("endpoint") or os.environ.get("HCLOUD_ENDPOINT") or ENDPOINT.real
    if not is_unknown(endpoint) and (reason := ENDPOINT.refusal(endpoint)):
        failures.append(Failure("endpoint", reason))
    interval, function = config.get("pollInterval") or "500ms", config.get("pollFunction") or "exponential"
    poll = Poll()
    try:
        if not is_unknown(interval):
            poll = Poll(seconds(interval), constant=function == "constant")
    except ValueError as error:
        failures.append(Failure("pollInterval", str(error)))
    if not is_unknown(function) and function not in ("constant", "exponential"):
        failures.append(Failure("pollFunction", f"expected constant or exponential, got {function}"))
    return Config(str(endpoint), str(token), poll), failures
