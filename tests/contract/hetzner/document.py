"""The official API document, and checking answers against it."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT.parent / "shared" / "reference" / "hetzner-cloud.spec.json"
OUTSIDE = ("/zones", "/floating_ips")
"""Groups that this cloud does not have: their routes are unknown to it, and it says so."""


@cache
def document() -> dict[str, Any]:
    """The document, with what the API has changed since it was published."""
    if not DOCUMENT.exists():
        pytest.skip(f"the official API document is not there: {DOCUMENT}")
    found: dict[str, Any] = json.loads(DOCUMENT.read_text())
    for path, methods in found["paths"].items():
        for operation in methods.values():
            for response in operation.get("responses", {}).values():
                _patch(response.get("content", {}).get("application/json", {}).get("schema", {}))
        if path == "/load_balancers/{id}":
            created = found["paths"]["/load_balancers/{id}/actions/add_target"]["post"]["responses"]["201"]
            methods["delete"]["responses"] = {"201": created, **methods["delete"]["responses"]}
    return found


def _patch(schema: Any) -> None:
    """Primary IPs may belong to load balancers, or to nothing, since the document was published."""
    if isinstance(schema, list):
        for one in schema:
            _patch(one)
    elif isinstance(schema, dict):
        for key, value in schema.items():
            if key == "assignee_type" and isinstance(value, dict) and "enum" in value:
                value["enum"] = ["server", "load_balancer", "unassigned"]
            else:
                _patch(value)


def operations() -> set[tuple[str, str]]:
    """(method, path) of every operation this cloud claims to have."""
    return {
        (method.upper(), path)
        for path, methods in document()["paths"].items()
        for method in methods
        if method in ("get", "put", "post", "delete") and not path.startswith(OUTSIDE)
    }


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    paths = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", r"[0-9]+", path)), path) for path in paths]


def operation(method: str, path: str) -> tuple[str, str] | None:
    """The operation that a request is of."""
    for pattern, template in _patterns():
        if pattern.fullmatch(path) and method.lower() in document()["paths"][template]:
            return method, template
    return None


@cache
def _validator(method: str, template: str, status: int) -> Any:
    responses = document()["paths"][template][method.lower()]["responses"]
    response = responses.get(str(status)) or responses[f"{status // 100}xx"]
    schema = response.get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return None
    whole = {**schema, "components": document()["components"]}
    return jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())


def check(method: str, path: str, status: int, body: Any) -> list[str]:
    """What is wrong with an answer, by the document."""
    found = operation(method, path)
    if found is None:
        return [f"{method} {path} is not in the document"]
    validator = _validator(*found, status)
    if validator is None:
        return [] if body is None else [f"{method} {path}: {status} must have no content"]
    schema = validator.schema
    wrong = [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(body)]
    # The document requires few keys of envelopes: an answer without its resource would pass.
    wrong += [f"key {key} is missing" for key in schema.get("properties", {}) if status < 400 and key not in body]
    return [f"{method} {path} {status}: {one}" for one in wrong]
