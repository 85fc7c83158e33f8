"""Whether a request may go on to its Worker or origin, and with which proof of who makes it."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlencode

from localcloud.cloudflare.edge.access import cookies, cors, pages, team
from localcloud.cloudflare.edge.access.applications import Application, Area, normal
from localcloud.cloudflare.edge.access.codes import Codes
from localcloud.cloudflare.edge.access.issuer import Issuer, State, digest
from localcloud.cloudflare.edge.access.policies import (
    Policy,
    Visitor,
    after_login,
    asks_identity,
    before_login,
    still_holds,
)
from localcloud.cloudflare.edge.forwarding import COUNTRY
from localcloud.cloudflare.edge.messages import Request, Response
from localcloud.cloudflare.edge.snapshot import Access

ASSERTION = "cf-access-jwt-assertion"
EMAIL = "cf-access-authenticated-user-email"
TOKEN = "cf-access-token"
CLIENT_ID, CLIENT_SECRET = "cf-access-client-id", "cf-access-client-secret"
APP_SESSION_SECONDS = 24 * 3600


@dataclass
class Passage:
    """What Access says of a request: a ``refusal`` in the place of a response, or cookies for the one to come."""

    refusal: Response | None = None
    set_cookies: list[str] = field(default_factory=list)

    def leave(self, response: Response) -> None:
        for cookie in self.set_cookies:
            response.headers.add("set-cookie", cookie)


@dataclass(frozen=True)
class Credentials:
    """The service token that a request shows. ``token`` is its id if it is a good one."""

    client_id: str = ""
    token: str | None = None

    @property
    def wrong(self) -> bool:
        return bool(self.client_id) and self.token is None


class Gate:
    """Access at the edge, with its keys and sessions in ``folder``; ``port`` is where the edge answers over TLS."""

    def __init__(self, folder: Path, port: int) -> None:
        self._port = port
        self._issuer = Issuer(folder)
        self._team = team.Team(self._issuer, Codes(folder / "outbox.jsonl"))

    def learn(self, access: Access) -> None:
        """Go by this from now on."""
        self._issuer.state = State(access, self._port)

    async def own(self, request: Request) -> Response | None:
        """The response of the team's host name; None on any other."""
        state = self._issuer.state
        return await self._team.answer(request) if state.team_host and request.host == state.team_host else None

    def guards(self, request: Request) -> bool:
        """Whether an application stands before what a request is for."""
        return self._issuer.state.applications.area(request.host, request.path) is not None

    def check(self, request: Request) -> Passage:
        """Judge a request, and set on it what its Worker or origin is told of who makes it."""
        request.headers.remove(ASSERTION, EMAIL)
        applications = self._issuer.state.applications
        path = normal(request.path)
        if path.startswith(team.PREFIX) and applications.on(request.host):
            return Passage(self._endpoint(request, path))
        area = applications.area(request.host, request.path)
        if area is None:
            return Passage()
        shown = self._credentials(request, area.application)
        request.headers.remove(CLIENT_ID, CLIENT_SECRET)
        return self._judge(request, area, shown)

    def _judge(self, request: Request, area: Area, shown: Credentials) -> Passage:
        app = area.application
        if cors.preflight(request) and (app.get("options_preflight_bypass") or app.get("cors_headers")):
            return Passage(cors.answer(request, app["cors_headers"]) if app.get("cors_headers") else None)
        state = self._issuer.state
        who = Visitor(request.client_ip, COUNTRY, token=shown.token)
        policy = before_login(app["policies"], who, state.groups)
        if policy is not None:
            return self._without_login(request, area, policy, shown)
        if self._person(request, area) or self._program(request, area):
            cookies.without(request, cookies.BINDING)
            request.headers.remove(TOKEN)
            return Passage()
        return self._refused(request, area, shown)

    def _without_login(self, request: Request, area: Area, policy: Policy, shown: Credentials) -> Passage:
        if policy["decision"] == "bypass":
            return Passage()
        token, lifetime = self._issuer.service(area.application, policy, shown.client_id)
        request.headers.set(ASSERTION, token)
        return Passage(set_cookies=[cookies.authorization(area, token, lifetime)])

    def _person(self, request: Request, area: Area) -> bool:
        """Whether a person's token for this application is shown; the origin is told who it is."""
        app = area.application
        shown = [*cookies.values(request, cookies.AUTHORIZATION), *request.headers.all(TOKEN)]
        for token in shown:
            found = self._issuer.session(token, "app")
            if found is None or app["aud"] not in found[0]["aud"]:
                continue
            claims, session = found
            if "binding" in claims and claims["binding"] not in map(digest, cookies.values(request, cookies.BINDING)):
                continue
            policy = _policy(app, claims.get("policy_id"))
            if policy is not None and not still_holds(policy, Visitor(request.client_ip, COUNTRY)):
                continue
            request.headers.set(ASSERTION, token)
            request.headers.set(EMAIL, session.email)
            return True
        return False

    def _program(self, request: Request, area: Area) -> bool:
        """Whether a token is shown that was issued for a service token which still lets in."""
        state = self._issuer.state
        for token in [*cookies.values(request, cookies.AUTHORIZATION), *request.headers.all(TOKEN)]:
            claims = self._issuer.program(token)
            if claims is None or area.application["aud"] not in claims["aud"]:
                continue
            known = state.access.tokens.get(claims["common_name"])
            who = Visitor(request.client_ip, COUNTRY, token=known[0] if known else None)
            policy = before_login(area.application["policies"], who, state.groups)
            if policy is not None and policy["decision"] == "non_identity":
                request.headers.set(ASSERTION, token)
                return True
        return False

    def _refused(self, request: Request, area: Area, shown: Credentials) -> Passage:
        app = area.application
        for_programs = any(one.get("decision") == "non_identity" for one in app["policies"])
        unauthorized = app.get("service_auth_401_redirect") and for_programs
        if unauthorized and (shown.client_id or not _browser(request)):
            return Passage(pages.unauthorized())
        if shown.wrong or not asks_identity(app["policies"]):
            if app.get("custom_non_identity_deny_url"):
                return Passage(pages.redirect(str(app["custom_non_identity_deny_url"])))
            name, message = str(app.get("name") or request.host), str(app.get("custom_deny_message") or "")
            return Passage(pages.forbidden(name, request.ray, message=message))
        if (request.headers.get("x-requested-with") or "").lower() == "xmlhttprequest":
            return Passage(pages.unauthorized())
        return Passage(self._to_login(request, area, token_shown=bool(shown.client_id)))

    def _to_login(self, request: Request, area: Area, *, token_shown: bool) -> Response:
        state = self._issuer.state
        target = "/" + request.target.lstrip("/") if not request.target.startswith("/") else request.target
        if request.scheme != "https":  # its cookies would be lost
            return pages.redirect(f"{state.origin(request.host)}{target}")
        app = area.application
        own = cookies.first(request, cookies.APP_SESSION)
        app_session = own or f"n{secrets.token_hex(16)}"
        meta = self._issuer.meta(app, request.host, target, app_session, token_shown=token_shown)
        query = urlencode({"kid": app["aud"], "redirect_url": target, "meta": meta})
        location = f"{state.team}{team.LOGIN}{request.host}?{query}"
        return pages.redirect(location, [cookies.make(cookies.APP_SESSION, app_session, APP_SESSION_SECONDS)])

    def _endpoint(self, request: Request, path: str) -> Response:
        """What lies below /cdn-cgi/access/ on a protected host name."""
        match path:
            case "/cdn-cgi/access/certs":
                return team.certs(self._issuer)
            case "/cdn-cgi/access/get-identity":
                return team.get_identity(self._issuer, request)
            case "/cdn-cgi/access/logout":
                return team.logout(self._issuer, request, "app")
            case team.AUTHORIZED:
                return self._authorized(request)
        return pages.said(404, "Not found", "There is nothing at this address.")

    def _authorized(self, request: Request) -> Response:
        """Turn the ticket of a login into this application's cookie."""
        issuer = self._issuer
        ticket = issuer.redeem(parse_qs(request.query).get("nonce", [""])[0])
        expired = pages.said(400, "Sign in again", "This address is good only once. Open the application again.")
        if ticket is None or ticket["hostname"] != request.host:
            return expired
        if digest(cookies.first(request, cookies.APP_SESSION)) != ticket["app_session_hash"]:
            return pages.said(
                400, "Sign in again", "The login was begun in another browser, or this one keeps no cookies."
            )
        session = issuer.live(ticket["identity_nonce"])
        area = issuer.state.applications.area(request.host, ticket["redirect_url"].partition("?")[0])
        if session is None or area is None or area.application["aud"] != ticket["aud"]:
            return expired
        who = Visitor(request.client_ip, COUNTRY, session.email, session.method)
        policy = after_login(area.application["policies"], who, issuer.state.groups)
        if policy is None:
            return pages.forbidden(str(area.application.get("name") or request.host), request.ray, session.email)
        bound = secrets.token_hex(16) if area.application.get("enable_binding_cookie") else ""
        token, lifetime = issuer.application(area.application, policy, session, bound)
        given = [cookies.authorization(area, token, lifetime)]
        given += [cookies.binding(area, bound, lifetime)] if bound else []
        return pages.redirect(f"{issuer.state.origin(request.host)}{ticket['redirect_url']}", given)

    def _credentials(self, request: Request, app: Application) -> Credentials:
        """The service token in the two fields, or in the one field that the application names."""
        client, secret = request.headers.get(CLIENT_ID), request.headers.get(CLIENT_SECRET)
        own = app.get("read_service_tokens_from_header")
        if own and not client:
            try:
                both = {
                    key.lower(): value for key, value in json.loads(request.headers.get(own.lower()) or "{}").items()
                }
                client, secret = both.get(CLIENT_ID), both.get(CLIENT_SECRET)
            except (ValueError, AttributeError):
                pass  # the field is for the origin
        if not isinstance(client, str) or not client:
            return Credentials()
        access = self._issuer.state.access
        name, known = access.tokens.get(client, ("", ""))
        right = hmac.compare_digest(hashlib.sha256(str(secret or "").encode()).hexdigest(), known)
        ends = access.token_ends.get(client)
        fresh = ends is None or ends > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return Credentials(client, name if known and right and fresh else None)


def _policy(app: Application, name: object) -> Policy | None:
    return next((one for one in app["policies"] if one.get("id") == name), None)


def _browser(request: Request) -> bool:
    return "text/html" in (request.headers.get("accept") or "")
