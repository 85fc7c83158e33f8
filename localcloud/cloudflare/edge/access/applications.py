"""Which application protects a host name and path; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

Application = Mapping[str, Any]
"""An application in the API's own form, with its policies in the order in which they are tried."""

DAY = 86400.0
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
TYPES = ("self_hosted", "self-hosted")


@dataclass(frozen=True)
class Area:
    """One host name, or host name and path, of an application; both may hold ``*``.

    A ``*`` in a host stays within one label, one in a path does not. A path covers what is below it; one that ends with
    ``/*`` does not cover the path before it.
    """

    application: Application
    host: str
    path: str
    _host: re.Pattern[str]
    _path: re.Pattern[str]

    @classmethod
    def parse(cls, application: Application, text: str) -> Area:
        host, _, path = text.split("://")[-1].partition("/")
        host, path = host.partition(":")[0].lower(), path.rstrip("/")
        label = re.escape(host).replace(r"\*\.", r"[^.]+\.", 1) if host.startswith("*.") else re.escape(host)
        below = re.escape(f"/{path}" if path else "").replace(r"\*", ".*") + "(/.*)?"
        return cls(application, host, path, re.compile(label.replace(r"\*", "[^.]*")), re.compile(below, re.DOTALL))

    def covers(self, host: str, path: str) -> bool:
        return bool(self._host.fullmatch(host) and self._path.fullmatch(path))

    @property
    def rank(self) -> tuple[bool, int, int, bool]:
        """The more specific area ranks higher: exact host, longer host, longer path, exact path."""
        return ("*" not in self.host, len(self.host), len(self.path.replace("*", "")), "*" not in self.path)


@dataclass
class Applications:
    """The declared applications, for look-ups."""

    declared: Iterable[Application] = ()
    _areas: list[Area] = field(init=False)

    def __post_init__(self) -> None:
        found = [Area.parse(app, one) for app in self.declared if app.get("type") in TYPES for one in set(_names(app))]
        self._areas = sorted(found, key=lambda area: area.rank, reverse=True)

    def area(self, host: str, path: str) -> Area | None:
        """The most specific area that covers a path as it is on the wire."""
        path = normal(path)
        return next((area for area in self._areas if area.covers(host, path)), None)

    def on(self, host: str) -> bool:
        """Whether any application protects anything of a host name."""
        return any(area._host.fullmatch(host) for area in self._areas)


def _names(application: Application) -> Iterator[str]:
    for one in application.get("destinations") or ():
        if one.get("type", "public") == "public" and one.get("uri"):
            yield str(one["uri"])
    yield from (str(one) for one in application.get("self_hosted_domains") or ())
    if application.get("domain"):
        yield str(application["domain"])


def normal(path: str) -> str:
    """A path as origins read it: ``/x/../app``, ``//app`` and ``/%61pp`` are ``/app``.

    Percent-encoding is undone once, so that no spelling of a protected path is a path of its own.
    """
    kept: list[str] = []
    parts = unquote(path, errors="replace").replace("\\", "/").split("/")
    for part in parts:
        if part == "..":
            kept = kept[:-1]
        elif part not in ("", "."):
            kept.append(part)
    return "/" + "/".join(kept) + ("/" if kept and parts[-1] in ("", ".", "..") else "")


def seconds(duration: Any, default: float = DAY) -> float:
    """A duration such as ``30m`` or ``1h30m``, in seconds."""
    if not duration:
        return default
    found = re.findall(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)", str(duration))
    return sum(float(number) * UNITS[unit] for number, unit in found) if found else default
