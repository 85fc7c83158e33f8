"""The tokens of Access and their claims: of a login (``org``), of an application (``app``), and of the way between."""

from __future__ import annotations

import hashlib
import secrets
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.cloudflare.edge.access.applications import Application, Applications, seconds
from localcloud.cloudflare.edge.access.keys import Keys
from localcloud.cloudflare.edge.access.policies import Policy, Visitor
from localcloud.cloudflare.edge.access.sessions import Session, Sessions
from localcloud.cloudflare.edge.snapshot import Access

Claims = dict[str, Any]
META_SECONDS = 4 * 3600
"""How long a login page may stay open."""
GRANT_SECONDS = 60
"""From the team's host to the application's, by a redirect."""
LEAST_SECONDS = 5
"""A token that expires at once is still taken by the request that it was issued for."""
USERS = uuid.UUID("7c0c8c52-5a5b-4d0e-9f0e-2f3f6f2b6d10")


@dataclass
class State:
    """What is declared, ready for look-ups."""

    access: Access = field(default_factory=Access)
    port: int = 443

    def __post_init__(self) -> None:
        self.applications = Applications(self.access.applications)
        self.groups = {str(one["id"]): one for one in self.access.groups}
        suffix = "" if self.port == 443 else f":{self.port}"
        self.team_host = self.access.team.lower()
        self.team = f"https://{self.team_host}{suffix}"
        self.suffix = suffix

    def origin(self, host: str) -> str:
        """The public address of a host name."""
        return f"https://{host}{self.suffix}"

    @property
    def pin(self) -> str:
        """Id of the one-time PIN as a login method; an account has it even where none is declared."""
        return next((str(one["id"]) for one in self.access.providers if one.get("type") == "onetimepin"), "")

    def offers_pin(self, application: Application) -> bool:
        allowed = application.get("allowed_idps") or ()
        return not allowed or self.pin in allowed


class Issuer:
    """Issues tokens and takes its own back."""

    def __init__(self, folder: Path) -> None:
        self.keys = Keys(folder)
        self.sessions = Sessions(folder / "sessions.json")
        self.state = State()
        self._spent: dict[str, float] = {}

    def begin(self, email: str, ip: str, country: str) -> Session:
        """A session of somebody who has proved an address."""
        access = self.state.access
        user = str(uuid.uuid5(USERS, f"{access.account}/{email}"))
        lifetime, generation = seconds(access.session_duration), access.generations.get(email, "")
        return self.sessions.begin(user, email, self.state.pin, ip, country, lifetime, generation)

    def login(self, session: Session) -> tuple[str, float]:
        """The token of the team's host, and its lifetime in seconds."""
        access = self.state.access
        claims = self._about(session) | {
            "aud": [digest(f"org/{access.account}")], "type": "org", "exp": session.expires,
            "account_id": access.account,
        }  # fmt: skip
        return self.keys.sign(claims), session.expires - time.time()

    def application(
        self, application: Application, policy: Policy, session: Session, binding: str = ""
    ) -> tuple[str, float]:
        """A person's token for an application, and its lifetime in seconds."""
        lifetime = self._lifetime(application, policy)
        claims = self._about(session) | {
            "aud": [application["aud"]], "type": "app", "exp": int(time.time() + lifetime),
            "policy_id": policy.get("id", ""), **self._generation(application),
        }  # fmt: skip
        if binding:
            claims["binding"] = digest(binding)
        self.sessions.extend(session.nonce, claims["exp"])
        return self.keys.sign(claims), lifetime

    def service(self, application: Application, policy: Policy, client_id: str) -> tuple[str, float]:
        """A program's token for an application, and its lifetime in seconds."""
        lifetime = self._lifetime(application, policy)
        now = int(time.time())
        claims = {
            "type": "app", "aud": [application["aud"]], "exp": int(now + lifetime), "iss": self.state.team,
            "common_name": client_id, "iat": now, "nbf": now, "sub": "", "policy_id": policy.get("id", ""),
            **self._generation(application),
        }  # fmt: skip
        return self.keys.sign(claims), lifetime

    def meta(self, application: Application, host: str, target: str, app_session: str, *, token_shown: bool) -> str:
        """What the login page is told of the request that led to it."""
        now = int(time.time())
        return self.keys.sign({
            "type": "meta", "aud": application["aud"], "hostname": host, "redirect_url": target,
            "service_token_status": token_shown, "is_warp": False, "is_gateway": False, "auth_status": "NONE",
            "app_session_hash": digest(app_session), "iat": now, "nbf": now, "exp": now + META_SECONDS,
        })  # fmt: skip

    def grant(self, meta: Claims, session: Session, policy: Policy) -> str:
        """A ticket with which the application's host name issues a token, once and to the same browser."""
        now = int(time.time())
        return self.keys.sign({
            "type": "grant", "jti": secrets.token_hex(16), "aud": meta["aud"], "hostname": meta["hostname"],
            "redirect_url": meta["redirect_url"], "app_session_hash": meta["app_session_hash"],
            "identity_nonce": session.nonce, "policy_id": policy.get("id", ""), "iat": now, "exp": now + GRANT_SECONDS,
        })  # fmt: skip

    def redeem(self, ticket: str) -> Claims | None:
        """What a ticket says, the first time that it is shown."""
        claims = self.keys.verify(ticket, "grant")
        if claims is None or claims["jti"] in self._spent:
            return None
        now = time.time()
        self._spent = {name: until for name, until in self._spent.items() if until > now}
        self._spent[claims["jti"]] = claims["exp"]
        return claims

    def session(self, token: str, kind: str) -> tuple[Claims, Session] | None:
        """A person's token and the session that it is from, if both still hold."""
        claims = self._current(token, kind)
        session = self.live(str(claims.get("identity_nonce", ""))) if claims else None
        return (claims, session) if claims and session and claims.get("email") == session.email else None

    def program(self, token: str) -> Claims | None:
        """The claims of a token that was issued without a login."""
        claims = self._current(token, "app")
        return claims if claims and "common_name" in claims else None

    def live(self, nonce: str) -> Session | None:
        """A session that was neither ended nor revoked."""
        session = self.sessions.get(nonce)
        current = self.state.access.generations.get(session.email, "") if session else ""
        return session if session and session.generation == current else None

    def _current(self, token: str, kind: str) -> Claims | None:
        claims = self.keys.verify(token, kind) if token else None
        if claims is None or kind != "app":
            return claims
        current = self.state.access.generations.get(claims["aud"][0], "")
        return claims if claims.get("generation", "") == current else None

    def _generation(self, application: Application) -> Claims:
        current = self.state.access.generations.get(application["aud"])
        return {"generation": current} if current else {}

    def _about(self, session: Session) -> Claims:
        now = int(time.time())
        return {
            "email": session.email, "iat": now, "nbf": now, "iss": self.state.team, "sub": session.user,
            "identity_nonce": session.nonce, "country": session.country,
        }  # fmt: skip

    @staticmethod
    def _lifetime(application: Application, policy: Policy) -> float:
        asked = policy.get("session_duration") or application.get("session_duration")
        return max(LEAST_SECONDS, seconds(asked))


def visitor(session: Session, ip: str, country: str) -> Visitor:
    """A logged-in person, as policies see one."""
    return Visitor(ip, country, session.email, session.method)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def identity(claims: Claims, session: Session | None, account: str) -> Claims:
    """What ``/cdn-cgi/access/get-identity`` answers."""
    known: Claims = {
        "account_id": account, "auth_status": "NONE", "common_name": claims.get("common_name", ""),
        "service_token_id": claims.get("common_name", ""), "service_token_status": session is None,
        "is_warp": False, "is_gateway": False, "gateway_account_id": "", "device_id": "", "devicePosture": {},
        "device_sessions": {}, "version": 2, "iat": claims["iat"],
        "mtls_auth": {"cert_issuer_dn": "", "cert_serial": "", "cert_issuer_ski": "", "cert_presented": False,
                      "auth_status": "NONE"},
    }  # fmt: skip
    if session is not None:
        known |= {
            "id": session.user, "user_uuid": session.user, "email": session.email, "ip": session.ip,
            "idp": {"id": session.method, "type": "onetimepin"}, "geo": {"country": session.country},
            "iat": session.begun,
        }  # fmt: skip
    return known
