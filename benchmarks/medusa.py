"""A stand-in for Medusa's store API that answers at once, with products of the real shape.

``python -m benchmarks.medusa`` prints its port, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

PRODUCTS = 12


def _product(number: int) -> dict[str, Any]:
    name = f"product-{number:02}"
    picture = f"/images/products/{name}.jpg"
    return {
        "id": f"prod_{number:026}", "handle": name, "title": f"Product {number:02}", "subtitle": None,
        "description": "A sentence or two about what it is, what it is made of and how long it lasts. " * 3,
        "thumbnail": picture, "images": [{"id": f"img_{number}_{index}", "url": picture} for index in range(3)],
        "options": [{"id": f"opt_{number}", "title": "Size", "values": [{"value": size} for size in "SML"]}],
        "variants": [
            {
                "id": f"variant_{number}_{size}", "title": size, "sku": f"P{number}-{size}", "inventory_quantity": 100,
                "calculated_price": {"calculated_amount": 49.5 + number, "currency_code": "eur"},
            }
            for size in "SML"
        ],
    }  # fmt: skip


REGION = {
    "id": "reg_01", "name": "Europe", "currency_code": "eur", "countries": [{"iso_2": "de"}, {"iso_2": "fr"}],
}  # fmt: skip
BODIES: dict[str, Any] = {
    "/store/regions": {"regions": [REGION], "count": 1, "offset": 0, "limit": 100},
    "/store/products": {
        "products": [_product(number) for number in range(PRODUCTS)], "count": PRODUCTS, "offset": 0, "limit": 100,
    },
}  # fmt: skip
ANSWERS = {path: json.dumps(body).encode() for path, body in BODIES.items()}


class Store(asyncio.Protocol):
    """Answers requests without bodies."""

    def __init__(self) -> None:
        self._asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._asked += data
        while (end := self._asked.find(b"\r\n\r\n")) >= 0:
            path = self._asked.split(b" ", 2)[1].split(b"?")[0].decode()
            self._asked = self._asked[end + 4 :]
            body = ANSWERS.get(path)
            status = "200 OK" if body else "404 Not Found"
            body = body or b'{"type": "not_found", "message": "there is none"}'
            head = f"HTTP/1.1 {status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: {len(body)}"
            self._transport.write(head.encode() + b"\r\n\r\n" + body)


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Store, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
