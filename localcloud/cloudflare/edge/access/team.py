"""The team's host name: the login page, the one-time code, the way back to the application, logout."""

from __future__ import annotations

import secrets
import time
from urllib.parse import parse_qs, quote, unquote

from localcloud.cloudflare.edge.access import cookies, pages
from localcloud.cloudflare.edge.access.codes import Codes
from localcloud.cloudflare.edge.access.issuer import Claims, Issuer, identity, visitor
from localcloud.cloudflare.edge.access.policies import Policy, after_login
from localcloud.cloudflare.edge.access.sessions import Session
from localcloud.cloudflare.edge.forwarding import COUNTRY
from localcloud.cloudflare.edge.messages import Request, Response

PREFIX = "/cdn-cgi/access/"
LOGIN = f"{PREFIX}login/"
AUTHORIZED = f"{PREFIX}authorized"
LOGOUT = f"{PREFIX}logout"
SESSION_SECONDS = 4 * 3600
MAX_FORM = 16 * 1024
"""Bytes."""


class Team:
    """Answers everything on the team's host name."""

    def __init__(self, issuer: Issuer, codes: Codes) -> None:
        self._issuer = issuer
        self._codes = codes

    async def answer(self, request: Request) -> Response:
        issuer = self._issuer
        if request.scheme != "https":
            return pages.redirect(f"{issuer.state.team}{request.target}")
        if request.path.startswith(LOGIN) and request.method in ("GET", "HEAD", "POST"):
            return await self._login(request)
        match request.path:
            case "/cdn-cgi/access/certs":
                return certs(issuer)
            case "/cdn-cgi/access/get-identity":
                return get_identity(issuer, request)
            case "/cdn-cgi/access/logout":
                return logout(issuer, request, "org")
        return pages.said(
            404, "Not found", "Open the application that you want to use; it leads here when you need to sign in."
        )

    async def _login(self, request: Request) -> Response:
        asked = parse_qs(request.query)
        host = unquote(request.path.removeprefix(LOGIN)).lower()
        meta = self._issuer.keys.verify(asked.get("meta", [""])[0], "meta")
        if meta is None or meta["hostname"] != host:
            # An old or a made-up address of this page: the application leads here anew, if there is one.
            known = self._issuer.state.applications.on(host)
            return pages.redirect(f"{self._issuer.state.origin(host)}/") if known else pages.said(
                404, "Not found", "No application is at this address.")  # fmt: skip
        area = self._issuer.state.applications.area(host, meta["redirect_url"].partition("?")[0])
        if area is None or area.application["aud"] != meta["aud"]:
            return pages.redirect(f"{self._issuer.state.origin(host)}{meta['redirect_url']}")
        if request.method == "POST":
            return await self._form(request, meta)
        found = self._issuer.session(cookies.first(request, cookies.AUTHORIZATION), "org")
        if found is not None:
            return self._back(request, meta, found[1], [])
        name = self._name(meta)
        if not self._issuer.state.offers_pin(area.application):
            return pages.said(
                403, "No login method", f"{name} takes none of the login methods of this machine (one-time PIN)."
            )
        page = pages.email(name)
        if not cookies.first(request, cookies.SESSION):
            page.headers.add("set-cookie", cookies.make(cookies.SESSION, secrets.token_urlsafe(24), SESSION_SECONDS))
        return page

    async def _form(self, request: Request, meta: Claims) -> Response:
        name = self._name(meta)
        browser = cookies.first(request, cookies.SESSION)
        form = {
            key: found[0].strip() for key, found in parse_qs((await _body(request)).decode(errors="replace")).items()
        }
        if not browser:
            return pages.email(name, "This browser keeps no cookies; allow them and open the application again.")
        if "attempt" not in form:
            address = form.get("email", "").lower()
            user, _, domain = address.rpartition("@")
            if not user or not domain or len(address) > 254 or any(char.isspace() for char in address):
                return pages.email(name, "Enter an email address, such as name@example.com.")
            allowed = self._policy(request, meta, address) is not None
            attempt = self._codes.send(address, browser, allowed=allowed, application=name)
            return pages.code(name, address, attempt)
        about = self._codes.address(form["attempt"])
        proved = self._codes.check(form["attempt"], browser, form.get("code", ""))
        if proved is None:
            if about is None or self._codes.address(form["attempt"]) is None:
                return pages.email(name, "The code is no longer good. Ask for another one.")
            return pages.code(name, about, form["attempt"], "That code is not right. Look at the newest one.")
        session = self._issuer.begin(proved, request.client_ip, COUNTRY)
        token, lifetime = self._issuer.login(session)
        return self._back(request, meta, session, [cookies.make(cookies.AUTHORIZATION, token, lifetime)])

    def _back(self, request: Request, meta: Claims, session: Session, set_cookies: list[str]) -> Response:
        """Lead a logged-in person to the application, or say that it is not for them."""
        state = self._issuer.state
        policy = self._policy(request, meta, session.email, session)
        if policy is None:
            app = self._application(meta)
            if app.get("custom_deny_url"):
                return pages.redirect(str(app["custom_deny_url"]), set_cookies)
            again = f"{LOGOUT}?returnTo={quote(state.origin(meta['hostname']) + meta['redirect_url'], safe='')}"
            page = pages.forbidden(
                self._name(meta), request.ray, session.email, app.get("custom_deny_message") or "", again
            )
            for cookie in set_cookies:
                page.headers.add("set-cookie", cookie)
            return page
        ticket = self._issuer.grant(meta, session, policy)
        return pages.redirect(f"{state.origin(meta['hostname'])}{AUTHORIZED}?nonce={ticket}", set_cookies)

    def _policy(self, request: Request, meta: Claims, email: str, session: Session | None = None) -> Policy | None:
        state = self._issuer.state
        who = session or Session("", "", email, state.pin, request.client_ip, COUNTRY, int(time.time()), 0)
        return after_login(self._application(meta)["policies"], visitor(who, request.client_ip, COUNTRY), state.groups)

    def _application(self, meta: Claims) -> Claims:
        area = self._issuer.state.applications.area(meta["hostname"], meta["redirect_url"].partition("?")[0])
        assert area is not None, "asked only of what is protected"
        return dict(area.application)

    def _name(self, meta: Claims) -> str:
        return str(self._application(meta).get("name") or meta["hostname"])


def certs(issuer: Issuer) -> Response:
    """The public keys, for everybody."""
    return pages.data(200, issuer.keys.certs(), cache_control="public, max-age=300", access_control_allow_origin="*")


def get_identity(issuer: Issuer, request: Request) -> Response:
    """Who the bearer of a token is."""
    account = issuer.state.access.account
    for token in cookies.values(request, cookies.AUTHORIZATION):
        for kind in ("app", "org"):
            found = issuer.session(token, kind)
            if found is not None:
                return pages.data(200, identity(*found, account), cache_control=pages.NO_STORE)
        if (claims := issuer.program(token)) is not None:
            return pages.data(200, identity(claims, None, account), cache_control=pages.NO_STORE)
    return pages.data(400, {"err": "no app token set"}, cache_control=pages.NO_STORE)


def logout(issuer: Issuer, request: Request, kind: str) -> Response:
    """End the person's sessions, of all applications and browsers, and take this host's cookie away."""
    for token in cookies.values(request, cookies.AUTHORIZATION):
        if (found := issuer.session(token, kind)) is not None:
            issuer.sessions.end(found[1].user)
    target = parse_qs(request.query).get("returnTo", [""])[0]
    state = issuer.state
    known = target.startswith("https://") and state.applications.on(
        target[8:].partition("/")[0].partition(":")[0].lower()
    )
    page = pages.redirect(target) if known else pages.said(200, "Signed out", "You have successfully logged out.")
    page.headers.add("set-cookie", cookies.make(cookies.AUTHORIZATION, "", 0))
    return page


async def _body(request: Request) -> bytes:
    kept = b""
    if request.body is not None:
        async for chunk in request.body:
            kept += chunk
            if len(kept) > MAX_FORM:
                return b""
    return kept
