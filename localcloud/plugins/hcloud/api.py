"""The Hetzner Cloud API as the provider's client library (hcloud-go) speaks it: errors, retries, pages, actions."""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.message import Message
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from localcloud.plugins.base.errors import NOT_RUNNING, ProviderError
from localcloud.plugins.base.operations import Call

Json = dict[str, Any]
T = TypeVar("T")

RETRIES = 5
"""Tries of the provider's own retry loops (``control.DefaultRetries``), and of the client library's."""
_RETRIED_CODES = frozenset({"conflict", "rate_limit_exceeded", "bad_gateway", "timeout"})
_ACTIONS_A_PAGE = 25
_RESPONSE_TIMEOUT = 60.0


class ApiError(ProviderError):
    """An error answer: ``code`` as in the API's envelope, empty when the answer had none."""

    def __init__(self, status: int, code: str, message: str, correlation: str = "", details: Any = None) -> None:
        shown = f"{message} ({code}" + (f", {correlation})" if correlation else ")")
        fields = details.get("fields") if isinstance(details, dict) else None
        for field in fields or []:
            for problem in field.get("messages") or []:
                shown += f"\n- {field.get('name')}: {problem}"
        super().__init__(shown if code else message)
        self.status = status
        self.code = code
        self.message = message


class ActionError(ProviderError):
    """An action ended with an error."""

    def __init__(self, code: str, message: str, id: int) -> None:
        super().__init__(f"{message} ({code}, {id})")
        self.code = code


def is_code(error: Exception, *codes: str) -> bool:
    """Whether an error is an API error with one of the codes."""
    return isinstance(error, ApiError) and error.code in codes


@dataclass(frozen=True)
class Poll:
    """How often a running action is looked at: seconds, doubled each time up to ``cap`` unless ``constant``."""

    interval: float = 0.5
    constant: bool = False
    cap: float = 60.0

    def delay(self, tries: int) -> float:
        """Seconds before poll number ``tries`` (from 0)."""
        return self.interval if self.constant else min(self.interval * 2**tries, self.cap)


class Api:
    """Calls of the API for one operation: waits end when the engine cancels or the operation's time is up."""

    def __init__(self, endpoint: str, token: str, poll: Poll, call: Call) -> None:
        parts = urlsplit(endpoint)
        self._host, self._port, self._tls = parts.hostname or "", parts.port, parts.scheme == "https"
        self._base = parts.path.rstrip("/")
        self._token = token
        self.poll = poll
        self.call = call

    def get(self, path: str, **query: Any) -> Json:
        """GET; raises ApiError."""
        return self._retried("GET", path + ("?" + urlencode(query, doseq=True) if query else ""), None)

    def post(self, path: str, body: Json | None = None) -> Json:
        """POST; raises ApiError."""
        return self._retried("POST", path, body)

    def put(self, path: str, body: Json) -> Json:
        """PUT; raises ApiError."""
        return self._retried("PUT", path, body)

    def delete(self, path: str) -> Json:
        """DELETE; raises ApiError. Answers without a body give an empty object."""
        return self._retried("DELETE", path, None)

    def find(self, path: str, key: str) -> Json | None:
        """GET one thing; None when the API says ``not_found``."""
        try:
            return self.get(path)[key]  # type: ignore[no-any-return]
        except ApiError as error:
            if error.code == "not_found":
                return None
            raise

    def find_by(self, path: str, key: str, id_or_name: str, **query: Any) -> Json | None:
        """One thing by id, else by name, in the client library's order of calls; ``key`` is the singular."""
        if id_or_name.isdigit() and (found := self.find(f"{path}/{id_or_name}", key)):
            return found
        listed = self.get(path, name=id_or_name, **query)[path.strip("/")]
        return listed[0] if listed else None

    def list(self, path: str, **query: Any) -> list[Json]:
        """All things of a list, page by page."""
        found: list[Json] = []
        page: int | None = 1
        while page:
            answer = self.get(path, page=page, per_page=50, **query)
            found += answer[path.strip("/")]
            page = ((answer.get("meta") or {}).get("pagination") or {}).get("next_page")
        return found

    def act(self, path: str, body: Json | None = None) -> None:
        """POST something that answers with an action, and wait for it."""
        self.wait([self.post(path, body).get("action")])

    def wait(self, actions: Iterable[Json | None]) -> None:
        """Wait until actions have ended; raises ActionError for the first that failed."""
        running: set[int] = set()
        for action in actions:
            if action is not None and not _ended(action):
                running.add(action["id"])
        tries = 0
        while running:
            self.call.pause(self.poll.delay(tries))
            tries += 1
            ids = sorted(running)
            for start in range(0, len(ids), _ACTIONS_A_PAGE):
                chunk = ids[start : start + _ACTIONS_A_PAGE]
                answer = self.get("/actions", id=chunk, page=1, sort=["status", "id"])["actions"]
                missing = set(chunk) - {action["id"] for action in answer}
                if missing:
                    raise ProviderError(f"actions not found: {sorted(missing)}")
                running -= {action["id"] for action in answer if _ended(action)}

    def retry(self, function: Callable[[], T], again: Callable[[Exception], bool], tries: int = RETRIES) -> T:
        """The provider's own loop: up to ``tries`` tries, after 1, 2, 4, … s, while ``again`` says so of the error."""
        for attempt in range(tries):
            try:
                return function()
            except ProviderError as error:
                if attempt == tries - 1 or not again(error):
                    raise
            self.call.pause(min(2.0**attempt, 30.0))
        raise AssertionError("unreachable")

    def _retried(self, method: str, path: str, body: Json | None) -> Json:
        for attempt in range(RETRIES + 1):
            try:
                return self._request(method, path, body)
            except ApiError as error:
                retried = error.code in _RETRIED_CODES or (not error.code and error.status in (502, 504))
                if attempt == RETRIES or not retried:
                    raise
            except TimeoutError:
                if attempt == RETRIES:
                    raise ProviderError(f"{method} {path}: no answer within {_RESPONSE_TIMEOUT:g} s") from None
            delay = min(2.0**attempt, 60.0)
            self.call.pause(1.0 + (delay - 1.0) * random.random())
        raise AssertionError("unreachable")

    def _request(self, method: str, path: str, body: Json | None) -> Json:
        kind = http.client.HTTPSConnection if self._tls else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=_RESPONSE_TIMEOUT)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", "User-Agent": "hcloud-go"}
        payload = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            payload = json.dumps(body)
        try:
            connection.request(method, self._base + path, payload, headers)
            response = connection.getresponse()
            content = response.read()
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException) as error:
            where = f"{self._host}:{self._port}"
            raise ProviderError(f"{method} {path}: {where} does not answer ({error}); {NOT_RUNNING}") from error
        finally:
            connection.close()
        return _answer(response.status, response.headers, content)


def _ended(action: Json) -> bool:
    if action["status"] == "error":
        error = action.get("error") or {}
        raise ActionError(error.get("code", "unknown_error"), error.get("message", "action failed"), action["id"])
    return bool(action["status"] == "success")


def _answer(status: int, headers: Message, content: bytes) -> Json:
    """The JSON of an answer; like the client library, reads an error's envelope only from a JSON answer."""
    is_json = (headers.get("Content-Type") or "").startswith("application/json")
    data = json.loads(content) if is_json and content else {}
    # Never followed: it could lead off this machine.
    if status < 300:
        return data if isinstance(data, dict) else {}
    error = data.get("error") if isinstance(data, dict) else None
    if not error or not error.get("code"):
        raise ApiError(status, "", f"hcloud: server responded with status code {status}")
    correlation = headers.get("X-Correlation-Id") or ""
    raise ApiError(status, error["code"], error.get("message", ""), correlation, error.get("details"))
