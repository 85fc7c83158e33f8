"""The pages of Access: plain forms without scripts, so that any browser, and any test, can fill them in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from localcloud.cloudflare.edge import messages
from localcloud.cloudflare.edge.messages import Response

NO_STORE = "private, max-age=0, no-store, no-cache, must-revalidate, post-check=0, pre-check=0"
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f4f4f5;color:#222}"
    "main{max-width:24rem;margin:12vh auto;padding:2rem;background:#fff;border-radius:8px;box-shadow:0 1px 4px #0003}"
    "h1{font-size:1.3rem;margin-top:0}label{display:block;font-weight:600}"
    "input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;margin:.3rem 0 1rem}"
    "button{font:inherit;padding:.5rem 1rem;background:#0051c3;color:#fff;border:0;border-radius:4px}"
    ".error{color:#b00020}"
)


def html(status: int, title: str, body: str) -> Response:
    """A page that no other site may show in a frame."""
    response = messages.text(
        status,
        f"<!doctype html>\n<html lang=en><head><meta charset=utf-8><meta name=robots content=noindex>"
        f"<meta name=viewport content='width=device-width'><title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n",
        cache_control=NO_STORE,
        content_security_policy="default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        referrer_policy="no-referrer",
        x_content_type_options="nosniff",
    )
    response.headers.set("content-type", "text/html; charset=UTF-8")
    return response


def email(application: str, error: str = "") -> Response:
    """The first page of a login."""
    problem = f"<p class=error role=alert>{escape(error)}</p>" if error else ""
    return html(
        400 if error else 200,
        f"Sign in ・ {application}",
        f"<h1>Sign in to {escape(application)}</h1>{problem}<p>Get a login code emailed to you.</p>"
        "<form method=post><label for=email>Email</label>"
        "<input id=email name=email type=email autocomplete=email required autofocus>"
        "<button type=submit>Send code</button></form>",
    )


def code(application: str, address: str, attempt: str, error: str = "") -> Response:
    """The second page: the same whether a code was sent or not."""
    problem = f"<p class=error role=alert>{escape(error)}</p>" if error else ""
    return html(
        400 if error else 200,
        f"Enter code ・ {application}",
        f"<h1>Enter your code</h1>{problem}"
        f"<p>If {escape(address)} may use {escape(application)}, a code has been emailed to it. "
        "It is good for 10 minutes.</p>"
        f"<form method=post><input type=hidden name=attempt value='{escape(attempt)}'>"
        "<label for=code>Code</label>"
        "<input id=code name=code inputmode=numeric autocomplete=one-time-code pattern='[0-9 ]*' required autofocus>"
        "<button type=submit>Sign in</button></form>"
        "<p><a href=''>Use another address or ask for another code</a></p>",
    )


def forbidden(application: str, ray: str, address: str = "", message: str = "", logout: str = "") -> Response:
    """Whoever is known is not allowed, or nobody could be."""
    who = f"<p>You are signed in as {escape(address)}.</p>" if address else ""
    leave = f"<p><a href='{escape(logout)}'>Sign in with another account</a></p>" if logout else ""
    return html(
        403,
        f"Forbidden ・ {application}",
        f"<h1>Forbidden</h1><p>{escape(message or 'You don’t have permission to view this. Please contact your system administrator.')}</p>"  # noqa: E501
        f"{who}{leave}<p>Ray ID: {escape(ray)}</p>",
    )


def said(status: int, title: str, text: str) -> Response:
    """A page that only tells something."""
    return html(status, title, f"<h1>{escape(title)}</h1><p>{escape(text)}</p>")


def unauthorized() -> Response:
    """For programs, which cannot follow a login."""
    return messages.text(401, "Unauthorized", cache_control=NO_STORE, www_authenticate="Cloudflare-Access")


def redirect(location: str, set_cookies: Iterable[str] = ()) -> Response:
    """A step of a login."""
    response = messages.text(302, "", location=location, cache_control=NO_STORE)
    response.headers.set("access-control-allow-credentials", "true")
    for cookie in set_cookies:
        response.headers.add("set-cookie", cookie)
    return response


def data(status: int, value: Any, **headers: str) -> Response:
    response = messages.text(status, json.dumps(value), **headers)
    response.headers.set("content-type", "application/json")
    return response
