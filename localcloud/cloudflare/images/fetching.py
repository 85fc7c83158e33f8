"""Originals that the API is given by their address. Only this machine is asked, whatever redirects say."""

from __future__ import annotations

import socket
import ssl
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import httpx

from localcloud.cloudflare.dataplane.interface import Pictures
from localcloud.cloudflare.errors import ApiError, bad_request

HERE = tuple(ip_network(one) for one in ("127.0.0.0/8", "::1/128", "198.18.0.0/15"))
"""Where an address may lead: this machine, and the machines of its clouds."""
FETCH_SECONDS = 10.0
REDIRECTS = 4
MAX_BYTES = 10 * 1024 * 1024


def fetched(pictures: Pictures, url: str) -> tuple[str, bytes]:
    """A file name and the content of an address, one byte too many of one that is too large.

    :raises ApiError: 400, it is not on this machine, or does not answer with a picture's bytes.
    """
    address = url
    for _ in range(REDIRECTS):
        try:
            location, content = _once(pictures, address)
        except (httpx.HTTPError, ssl.SSLError) as wrong:
            raise bad_request(f"The URL {address} cannot be fetched: {wrong}", 5452, "/url") from None
        if location is None:
            return urlsplit(address).path.rsplit("/", 1)[-1], content
        address = location
    raise bad_request(f"The URL {url} redirects too many times", 5452, "/url")


def _once(pictures: Pictures, address: str) -> tuple[str | None, bytes]:
    """(where it redirects to, content)"""
    url = _parsed(address)
    own = url.host == "localhost" or url.host.endswith(".localhost")
    target = "127.0.0.1" if own else _here(url)
    context = ssl.create_default_context()
    if own and pictures.authority is not None:
        context.load_verify_locations(pictures.authority)
    port = url.port
    if own and port is None and url.scheme == "https":
        # The edge stands for Cloudflare's port 443, which is not to be had by everybody.
        port = httpx.URL(pictures.address).port
    shown = url.netloc.decode()
    asked = url.copy_with(host=target, port=port)
    with (
        httpx.Client(transport=httpx.HTTPTransport(verify=context), timeout=FETCH_SECONDS) as client,
        client.stream("GET", asked, headers={"host": shown}, extensions={"sni_hostname": url.host}) as response,
    ):
        if response.has_redirect_location:
            return str(url.join(response.headers["location"])), b""
        if response.status_code != 200:
            raise bad_request(f"The URL {address} answers {response.status_code}", 5452, "/url")
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_BYTES:
                break
        return None, bytes(content)


def _parsed(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, TypeError):
        raise bad_request(f"The URL {address!r} is none", 5452, "/url") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise bad_request(f"The URL {address} is not one of http or https", 5452, "/url")
    return url


def _here(url: httpx.URL) -> str:
    """The one address of a host that is asked: what was looked at is what is connected to."""
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(url.host, url.port or 443, type=socket.SOCK_STREAM)]
    except OSError:
        raise bad_request(f"The URL {url} cannot be resolved", 5452, "/url") from None
    if not found or any(not any(ip_address(one) in network for network in HERE) for one in found):
        raise _outside(url)
    return found[0]


def _outside(url: httpx.URL) -> ApiError:
    return bad_request(f"The URL {url} leads off this machine, which the embedded cloud does not fetch", 5452, "/url")
