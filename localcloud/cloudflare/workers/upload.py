"""What clients send when they upload a Worker: a form with metadata and modules, or JSON with modules in Base64."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
from dataclasses import dataclass, field
from typing import Any

from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.multipart import Part
from localcloud.cloudflare.routing import Call

MAX_COMPRESSED = 10 * 1024 * 1024
"""Bytes of all modules together, gzipped: a paid plan's limit."""
MODULE = "application/javascript+module"
BY_SUFFIX = {
    ".mjs": MODULE, ".js": MODULE, ".wasm": "application/wasm", ".txt": "text/plain", ".html": "text/plain",
    ".bin": "application/octet-stream", ".json": "application/json", ".map": "application/source-map",
}  # fmt: skip


@dataclass(frozen=True)
class File:
    """One module as uploaded."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Upload:
    """Metadata as sent, and the modules with the main one first. Without modules the Worker has assets alone."""

    metadata: dict[str, Any]
    files: tuple[File, ...]


def from_form(call: Call) -> Upload:
    """The form of ``PUT scripts/NAME`` and ``POST scripts/NAME/versions``. Raises 400."""
    if not call.content_type.lower().startswith("multipart/"):
        # The oldest form of all: the script itself, in the service worker's syntax.
        kind = call.content_type.split(";")[0] or "application/javascript"
        return _checked({"body_part": "script"}, [File("script", kind, call.content)])
    metadata: dict[str, Any] = {}
    files: list[File] = []
    for part in call.form():
        if part.name == "metadata":
            metadata = _metadata(part)
        else:
            name = part.filename or part.name
            files.append(File(name, _kind(part.content_type, name), part.content))
    return _checked(metadata, files)


def _metadata(part: Part) -> dict[str, Any]:
    try:
        found = json.loads(part.content)
    except ValueError as wrong:
        raise bad_request(f"the part metadata is no JSON: {wrong}", 10021) from None
    if not isinstance(found, dict):
        raise bad_request("the part metadata must be a JSON object", 10021)
    return found


def from_json(sent: dict[str, Any]) -> Upload:
    """The body of ``POST workers/ID/versions``. Raises 400."""
    files = []
    modules = sent.get("modules") or []
    if not isinstance(modules, list):
        raise bad_request("modules must be a list", 10021, "/modules")
    for index, one in enumerate(modules):
        pointer = f"/modules/{index}"
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise bad_request("a module needs a name", 10021, pointer)
        try:
            content = base64.b64decode(one.get("content_base64") or "", validate=True)
        except (binascii.Error, TypeError):
            raise bad_request("content_base64 is no Base64", 10021, f"{pointer}/content_base64") from None
        files.append(File(one["name"], _kind(one.get("content_type") or "", one["name"]), content))
    return _checked({key: value for key, value in sent.items() if key != "modules"}, files)


def _kind(given: str, name: str) -> str:
    kind = given.split(";")[0].strip()
    if kind and kind != "application/octet-stream":
        return kind
    return next((found for suffix, found in BY_SUFFIX.items() if name.endswith(suffix)), kind or MODULE)


def _checked(metadata: dict[str, Any], files: list[File]) -> Upload:
    main = metadata.get("main_module") or metadata.get("body_part")
    names = [file.name for file in files]
    repeated = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if repeated is not None:
        raise bad_request(f"module '{repeated}' is there more than once", 10021)
    if main is not None and main not in names:
        raise bad_request(f'No such module "{main}": the main module is not among those uploaded.', 10021)
    if main is None and files:
        raise bad_request("main_module is required: it names the module to begin with", 10021, "/main_module")
    if not files and not metadata.get("assets") and not metadata.get("keep_assets"):
        raise bad_request("a Worker needs a main module, or assets", 10021)
    size = sum(len(gzip.compress(file.content, 1)) for file in files if file.content_type != "application/source-map")
    if size > MAX_COMPRESSED:
        told = f"{size / 1048576:.1f} MiB gzipped"
        raise ApiError(413, 10027, f"Your Worker exceeded the size limit of {MAX_COMPRESSED // 1048576} MiB: {told}.")
    return Upload(metadata, tuple(sorted(files, key=lambda file: file.name != main)))
