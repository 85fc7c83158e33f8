"""S3's XML, both ways."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import formatdate
from urllib.parse import quote
from xml.etree import ElementTree

from localcloud.cloudflare.r2.errors import R2Error

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
LIMIT = 2 * 1024 * 1024
"""Bytes of XML that a request may hold."""
Node = tuple[str, "str | Iterable[Node]"]
"""An element: its name, and its text or its children."""


def render(name: str, content: str | Iterable[Node], namespace: bool = True) -> bytes:
    root = ElementTree.Element(name, {"xmlns": NAMESPACE} if namespace else {})
    if isinstance(content, str):
        root.text = content
    else:
        _fill(root, content)
    return b'<?xml version="1.0" encoding="UTF-8"?>' + ElementTree.tostring(root)


def _fill(parent: ElementTree.Element, children: Iterable[Node]) -> None:
    for name, content in children:
        child = ElementTree.SubElement(parent, name)
        if isinstance(content, str):
            child.text = content
        else:
            _fill(child, content)


def parse(body: bytes, root: str) -> ElementTree.Element:
    """The element, without namespaces. Entities are not taken: a short text could stand for gigabytes."""
    try:
        if b"<!" in body:
            raise R2Error("MalformedXML", "A document type is not allowed.")
        found = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        raise R2Error("MalformedXML") from None
    for element in found.iter():
        element.tag = element.tag.rpartition("}")[2]
    if found.tag != root:
        raise R2Error("MalformedXML", f"The document is a {found.tag}, not a {root}.")
    return found


def time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(seconds % 1 * 1000):03}Z"


def http_time(seconds: float) -> str:
    return formatdate(int(seconds), usegmt=True)


def encoded(text: str, encoding: str | None) -> str:
    """A key in a list: with encoding-type ``url`` also one that XML could not hold."""
    return quote(text, safe="/-_.~*") if encoding == "url" else text
