"""multipart/form-data, in both directions.

Uploads are a few megabytes at most and already in memory: no stream is needed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from localcloud.cloudflare.errors import bad_request

PARAMETER = re.compile(r';\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))')


@dataclass(frozen=True)
class Part:
    """One field of a form; ``filename`` and ``content_type`` are empty when the client sent none."""

    name: str
    content: bytes
    filename: str = ""
    content_type: str = ""


def parse(body: bytes, content_type: str) -> list[Part]:
    """The parts of a form, in order. Raises 400 if it is none."""
    boundary = _parameters(content_type).get("boundary", "")
    if not content_type.lower().startswith("multipart/form-data") or not boundary:
        raise bad_request("the request's body must be multipart/form-data", 10001)
    parts: list[Part] = []
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:]:
        if piece.startswith(b"--"):
            return parts
        head, found, content = piece.partition(b"\r\n\r\n")
        if not found:
            break
        parts.append(_part(head.decode(errors="replace"), content))
    raise bad_request("the form ends before its last boundary", 10001)


def _part(head: str, content: bytes) -> Part:
    headers = {}
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    told = _parameters(headers.get("content-disposition", ""))
    return Part(told.get("name", ""), content, told.get("filename", ""), headers.get("content-type", ""))


def _parameters(header: str) -> dict[str, str]:
    found = {}
    for name, quoted, plain in PARAMETER.findall(header):
        # Browsers' percent signs for quotes and line ends, and the backslashes of older clients.
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
        found[name.lower()] = value.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
    return found


def render(parts: Sequence[Part]) -> tuple[bytes, str]:
    """A form and its content type."""
    boundary = secrets.token_hex(16)
    out = bytearray()
    for part in parts:
        out += f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name}"'.encode()
        if part.filename:
            out += f'; filename="{part.filename}"'.encode()
        if part.content_type:
            out += f"\r\nContent-Type: {part.content_type}".encode()
        out += b"\r\n\r\n" + part.content + b"\r\n"
    out += f"--{boundary}--\r\n".encode()
    return bytes(out), f"multipart/form-data; boundary={boundary}"
