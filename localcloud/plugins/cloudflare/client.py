"""The API v4 as the provider's client library (cloudflare-go) speaks it: envelopes, errors, retries, pages."""

from __future__ import annotations

import email.parser
import email.policy
import http.client
import json
import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from localcloud.plugins.base.errors import NOT_RUNNING, ProviderError
from localcloud.plugins.base.operations import Call
from localcloud.plugins.cloudflare.shape import compact

Json = dict[str, Any]

RETRIES = 10
"""Tries after the first one, as the provider configures its client."""
_RETRIED = frozenset({408, 409, 429})
_RESPONSE_SECONDS = 60.0


class ApiError(ProviderError):
    """An error answer. ``codes`` are those of the envelope, empty when there was none."""

    def __init__(self, method: str, url: str, status: int, content: bytes) -> None:
        self.status = status
        try:
            errors = json.loads(content).get("errors") or []
            self.codes = [int(error.get("code") or 0) for error in errors]
            shown = "; ".join(f"{error.get('message')} ({error.get('code')})" for error in errors)
        except (ValueError, AttributeError, TypeError):
            self.codes, shown = [], content.decode(errors="replace")[:500]
        reason = http.client.responses.get(status, "")
        super().__init__(f"{method} {url}: {status} {reason}: {shown}".rstrip(": "))


@dataclass(frozen=True)
class Part:
    """One part of a form. ``kind`` is its content type."""

    name: str
    content: bytes
    kind: str = ""
    filename: str = ""

    def encode(self, boundary: str) -> bytes:
        """The part with its headers, as it stands in the body."""
        where = f'form-data; name="{_quoted(self.name)}"'
        where += f'; filename="{_quoted(self.filename)}"' if self.filename else ""
        kind = f"Content-Type: {self.kind}\r\n" if self.kind else ""
        return f"--{boundary}\r\nContent-Disposition: {where}\r\n{kind}\r\n".encode() + self.content + b"\r\n"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


@dataclass(frozen=True)
class Answer:
    """An answer that is no error."""

    status: int
    headers: Message
    content: bytes

    @property
    def result(self) -> Any:
        """What is in the envelope; None when there is no JSON (204)."""
        try:
            document = json.loads(self.content) if self.content else {}
        except ValueError:
            return None
        return document.get("result") if isinstance(document, dict) else None

    def parts(self) -> list[tuple[str, str, bytes]]:
        """Name, content type and content of a form's parts; a form's part has the name of its file if there is one."""
        head = f"Content-Type: {self.headers.get('Content-Type', '')}\r\n\r\n".encode()
        parsed = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + self.content)
        found = []
        for part in parsed.walk():
            if not part.is_multipart():
                name = part.get_filename() or part.get_param("name", header="content-disposition") or ""
                payload = part.get_payload(decode=True)
                found.append((str(name), part.get_content_type(), payload if isinstance(payload, bytes) else b""))
        return found


class Api:
    """Calls of the API for one operation: waits end when the engine cancels or the operation's time is up."""

    def __init__(self, endpoint: str, credentials: Mapping[str, str], call: Call) -> None:
        parts = urlsplit(endpoint)
        self._host, self._port, self._tls = parts.hostname or "", parts.port, parts.scheme == "https"
        self._base, self._origin = parts.path.rstrip("/"), f"{parts.scheme}://{parts.netloc}"
        self._credentials = dict(credentials)
        self.call = call

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        form: Sequence[Part] | None = None,
    ) -> Answer:
        """One call, retried as the client library does; raises ApiError."""
        sent = {**self._credentials, "Accept": "application/json", "User-Agent": "terraform-provider-cloudflare"}
        payload = None
        if form is not None:
            boundary = secrets.token_hex(30)
            payload = b"".join(part.encode(boundary) for part in form) + f"--{boundary}--\r\n".encode()
            sent["Content-Type"] = f"multipart/form-data; boundary={boundary}"
        elif body is not None:
            payload = compact(body).encode()
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        for attempt in range(RETRIES + 1):
            sent["X-Stainless-Retry-Count"] = str(attempt)
            try:
                status, answered, content = self._send(method, path, payload, sent)
            except ConnectionRefusedError:
                where = f"{self._host}:{self._port}"
                raise ProviderError(f"{method} {path}: nothing listens at {where}; {NOT_RUNNING}") from None
            except (OSError, http.client.HTTPException) as error:
                if attempt == RETRIES:
                    raise ProviderError(f"{method} {path}: {error or type(error).__name__}") from error
                self._wait(attempt, None, f"{method} {path}: {error}")
                continue
            if status < 400:
                return Answer(status, answered, content)
            failed = ApiError(method, self._origin + self._base + path, status, content)
            if attempt == RETRIES or not _again(status, answered.get("x-should-retry")):
                raise failed
            self._wait(attempt, answered.get("Retry-After"), str(failed))
        raise AssertionError("unreachable")

    def get(self, path: str, **query: Any) -> Any:
        """The result of a GET; raises ApiError."""
        given = {name: value for name, value in query.items() if value is not None}
        return self.ask("GET", path + ("?" + urlencode(given, doseq=True) if given else "")).result

    def find(self, path: str, headers: Mapping[str, str] | None = None) -> Answer | None:
        """A GET whose 404 means that the thing is gone."""
        try:
            return self.ask("GET", path, headers=headers)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, path: str, limit: int = 1000, **query: Any) -> list[Json]:
        """Everything on a list, page by page until one is empty, as the client library does; ``limit`` things."""
        found: list[Json] = []
        page = 1
        while len(found) < limit:
            result = self.get(path, **query, page=page if page > 1 else None)
            if not result:
                break
            found += result
            page += 1
        return found[:limit]

    def _send(
        self, method: str, path: str, payload: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, Message, bytes]:
        kind = http.client.HTTPSConnection if self._tls else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=_RESPONSE_SECONDS)
        try:
            connection.request(method, self._base + path, payload, dict(headers))
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def _wait(self, attempt: int, after: str | None, why: str) -> None:
        """2 s, 4 s, … up to 30 s, a little less by chance; or as the answer asks."""
        seconds = min(2.0 * 2**attempt, 30.0) * (1.0 - 0.25 * random.random())
        if after and after.isdigit() and int(after) <= 60:
            seconds = float(after)
        self.call.status("info", f"trying again in {seconds:.0f} s: {why}")
        self.call.pause(seconds)


def _again(status: int, said: str | None) -> bool:
    if said in ("true", "false"):
        return said == "true"
    return status in _RETRIED or status >= 500


def encoded(value: Any) -> str:
    """A value as one step of a path."""
    return quote(str(value), safe="")
