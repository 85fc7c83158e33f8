"""The storefront's first page as it comes from the edge, without a browser: what is in it was rendered on a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from scripts.operator.smoke.shop import Unexpected

if TYPE_CHECKING:
    import httpx

DELIVERY = "/cdn-cgi/imagedelivery/"
"""Path below which Cloudflare delivers pictures under a site's own name."""
MOST = 8
"""Pictures that are loaded: a page of hundreds is no better a sign."""
ACCEPT = "image/avif,image/webp,image/*,*/*;q=0.8"


class Page:
    """`client` follows redirects; `images_url` is where the stack's pictures are, empty where it has no Images."""

    def __init__(self, client: httpx.Client, url: str, images_url: str = "") -> None:
        self.client = client
        self.url = url
        self.images_url = images_url
        self._content = _Content()

    def load(self) -> int:
        """Read the page; its size in bytes."""
        answer = self._get(self.url, {"Accept": "text/html"})
        kind = answer.headers.get("content-type", "no content type")
        if not kind.startswith("text/html"):
            raise Unexpected(f"{self.url} is {kind} instead of a page")
        self._content.feed(answer.text)
        return len(answer.content)

    def named(self, products: Sequence[Mapping[str, Any]]) -> list[str]:
        """Titles of products that are on the page."""
        text = " ".join(self._content.text)
        titles = [str(product["title"]) for product in products if product.get("title")]
        found = [title for title in titles if title in text]
        if not found:
            raise Unexpected(f"the page names none of the store's products ({', '.join(titles[:3])} …)")
        return found

    def pictures(self) -> list[str]:
        """The content types of the products' pictures, each loaded."""
        addresses = [urljoin(self.url, source) for source in self._content.pictures]
        addresses = [one for one in dict.fromkeys(addresses) if DELIVERY in one] if self.images_url else addresses
        if not addresses:
            raise Unexpected(f"the page shows no picture{f' of {self.images_url}' if self.images_url else ''}")
        foreign = [one for one in addresses if self.images_url and not one.startswith(f"{self.images_url}/")]
        if foreign:
            raise Unexpected(f"the page shows {foreign[0]}, which is not below {self.images_url}")
        return [self._picture(address) for address in addresses[:MOST]]

    def _picture(self, address: str) -> str:
        answer = self._get(address, {"Accept": ACCEPT})
        kind = str(answer.headers.get("content-type", "no content type")).split(";")[0]
        if not kind.startswith("image/") or not answer.content:
            raise Unexpected(f"{address} is {kind}, {len(answer.content)} bytes, and no picture")
        return kind

    def _get(self, address: str, headers: Mapping[str, str]) -> httpx.Response:
        import httpx

        try:
            answer = self.client.get(address, headers=dict(headers))
        except httpx.TimeoutException as error:
            raise Unexpected(f"{address}: no answer in {self.client.timeout.read:g} s") from error
        except httpx.HTTPError as error:
            raise Unexpected(f"{address}: {error or type(error).__name__}") from error
        if answer.status_code != 200:
            words = _words(answer)
            raise Unexpected(f"{address} answers {answer.status_code}{f': {words}' if words else ''}")
        return answer


def _words(answer: httpx.Response) -> str:
    """What an answer says to people, shortly: of a page what a browser would show, of a picture nothing."""
    kind = answer.headers.get("content-type", "")
    if "image" in kind:
        return ""
    text = answer.text
    if kind.startswith("text/html"):
        content = _Content()
        content.feed(text)
        text = " · ".join(content.text)
    return " ".join(text.split())[:120]


class _Content(HTMLParser):
    """The words of a page and the addresses of its pictures."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.pictures: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        # What a script holds is for the browser: a name in there was rendered by no server.
        self._hidden += tag in ("script", "style", "template")
        if tag in ("img", "source"):
            given = {name: value or "" for name, value in attributes}
            candidates = [part.split()[0] for part in given.get("srcset", "").split(", ") if part.strip()]
            self.pictures += [one for one in (given.get("src", ""), *candidates) if one and not one.startswith("data:")]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "template") and self._hidden:
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.text.append(" ".join(data.split()))
