"""The load balancer asked by its address, as the edge does it, or somebody who found that address out."""

from __future__ import annotations

from dataclasses import dataclass

from httpx import Client, Response

from tests.e2e.store.checkout import Checkout

HEADER = "X-Origin-Secret"


@dataclass(frozen=True)
class Origin:
    address: str
    host: str
    """The API's name, which the balancer's certificate is for."""
    key: str
    """The storefront's publishable key."""

    @classmethod
    def of(cls, store: Checkout) -> Origin:
        outputs = store.outputs()
        host = outputs["apiUrl"].removeprefix("https://").partition(":")[0]
        return cls(outputs["loadBalancerAddress"], host, outputs["publishableKey"])

    def ask(self, path: str, secret: str = "") -> Response:
        """Past the edge, with the secret if there is one."""
        headers = {"Host": self.host, "x-publishable-api-key": self.key} | ({HEADER: secret} if secret else {})
        # The certificate is for Cloudflare to trust, and for nobody else.
        with Client(verify=False, trust_env=False, timeout=10) as client:
            url = f"https://{self.address}{path}"
            return client.get(url, headers=headers, extensions={"sni_hostname": self.host})


def origin_secret(store: Checkout, name: str = "originSecret") -> str:
    """What the edge sends now; `originSecretPrevious` is what it sent before."""
    return store.shell(f"pulumi config get {name} -s local").stdout.strip()
