"""Access's cookies: read from a request as they are, and written with the attributes that Cloudflare gives them."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

from localcloud.cloudflare.edge.access.applications import Area
from localcloud.cloudflare.edge.messages import Request

AUTHORIZATION = "CF_Authorization"
APP_SESSION = "CF_AppSession"
SESSION = "CF_Session"
BINDING = "CF_Binding"
SAME_SITE = {"none": "None", "lax": "Lax", "strict": "Strict"}


def values(request: Request, name: str) -> list[str]:
    """Every value of a cookie: browsers send one for each path that it was set for."""
    pairs = (part.strip().partition("=") for field in request.headers.all("cookie") for part in field.split(";"))
    return [value.strip('"') for one, _, value in pairs if one == name]


def first(request: Request, name: str) -> str:
    return next(iter(values(request, name)), "")


def without(request: Request, *names: str) -> None:
    """Take cookies off a request before it goes on."""
    parts = [part.strip() for field in request.headers.all("cookie") for part in field.split(";") if part.strip()]
    kept = [part for part in parts if part.partition("=")[0] not in names]
    if len(kept) != len(parts):
        request.headers.remove("cookie")
        if kept:
            request.headers.add("cookie", "; ".join(kept))


def make(
    name: str, value: str, lifetime: float, *, path: str = "/", http_only: bool = True, same_site: str = "None"
) -> str:
    """A Set-Cookie field's value. ``lifetime`` in seconds; 0 takes the cookie away."""
    expires = formatdate(time.time() + lifetime if lifetime > 0 else 0, usegmt=True)
    parts = [f"{name}={value}", f"Expires={expires}", f"Path={path}", "Secure"]
    parts += ["HttpOnly"] if http_only else []
    parts += [f"SameSite={same_site}"] if same_site else []
    return "; ".join(parts)


def authorization(area: Area, value: str, lifetime: float) -> str:
    """An application's token, by the application's own settings."""
    return _of_application(AUTHORIZATION, area, value, lifetime, area.application.get("http_only_cookie_attribute"))


def binding(area: Area, value: str, lifetime: float) -> str:
    """What a token with a binding is worthless without."""
    return _of_application(BINDING, area, value, lifetime, True)


def _of_application(name: str, area: Area, value: str, lifetime: float, http_only: Any) -> str:
    app = area.application
    path = f"/{area.path.split('*')[0]}" if app.get("path_cookie_attribute") else "/"
    asked = str(app.get("same_site_cookie_attribute") or "none").lower()
    return make(name, value, lifetime, path=path, http_only=http_only is not False,
                same_site=SAME_SITE.get(asked, "None"))  # fmt: skip
