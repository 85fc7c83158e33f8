"""What the local stack answers at its addresses, asked from outside: nothing here trusts what a deployment said.

``python -m scripts.toolchain.checks --home CLOUD --pictures FOLDER`` reads the stack's outputs, with secrets, from
stdin and prints the table; it ends with 1 unless all is well. It runs in the virtual environment.
"""

from __future__ import annotations

import argparse
import html
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from localcloud.daemon import control
from localcloud.daemon.home import Home
from scripts.operator import http

ANSWER_SECONDS = 10.0
HEALTHY_SECONDS = 45.0
"""Three health checks of the load balancer and then some: how long its targets may take to be called healthy."""
LOGIN = "/cdn-cgi/access/login"
"""In the address that Access sends everybody to of whom it does not know who they are."""
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
OBJECTS = 5
WIDE = 60
"""Longer addresses do not set the column's width."""


@dataclass(frozen=True)
class Row:
    """One address of the table: what it is, where, and what it answered."""

    name: str
    url: str
    ok: bool
    said: str


@dataclass(frozen=True)
class Cloud:
    """Address and token of one half of the embedded cloud's API."""

    endpoint: str
    token: str


class Checks:
    """Asks the addresses that the stack's outputs name."""

    def __init__(self, client: httpx.Client, outputs: Mapping[str, Any], hetzner: Cloud) -> None:
        self.client = client
        self.outputs = outputs
        self.hetzner = hetzner
        self.api = str(outputs["apiUrl"]).rstrip("/")
        self.titles: list[str] = []

    def rows(self, picture: str = "", cloudflare: Cloud | None = None) -> list[Row]:
        """Every row there is something to ask for; ``picture`` is the name of one that was uploaded."""
        # The load balancer first: what is behind it answers once its targets are called healthy.
        balancer, health = self.targets(), self.health()
        products = [self.products()] if self.outputs.get("publishableKey") else []
        asked = [self.storefront()] if self.outputs.get("storefrontUrl") else []
        asked += [health, *products, self.admin()]
        if self.outputs.get("imagesUrl") and picture:
            asked.append(self.image(picture))
        if self.outputs.get("backupsBucket"):
            asked.append(self.bucket())
        asked += [balancer, self.servers()]
        if cloudflare is not None:
            asked.append(self.zones(cloudflare))
        return asked

    def storefront(self) -> Row:
        url = str(self.outputs["storefrontUrl"])
        status, answer = self.ask(url, follow=True)
        page = html.unescape(answer)
        named = [title for title in self.titles if title in page]
        ok = status == 200 and bool(named)
        said = f"{len(named)} of {len(self.titles)} products on the page" if status == 200 else told(status, answer)
        return Row("Storefront", url, ok, said)

    def health(self) -> Row:
        url = f"{self.api}/health"
        status, body = self.ask(url)
        said = body.strip() if len(body) < 200 else ""
        return Row("Health", url, status == 200 and parsed(body).get("status") == "ok", said or str(status))

    def products(self) -> Row:
        url = f"{self.api}/store/products"
        status, body = self.ask(url, {"x-publishable-api-key": str(self.outputs["publishableKey"])})
        found = parsed(body).get("products", [])
        self.titles = [str(product.get("title")) for product in found]
        return Row("Store API", url, status == 200 and bool(found), f"{len(found)} products" if status else body)

    def admin(self) -> Row:
        """Behind Access a stranger must meet its login; without, the pages."""
        guarded = bool(self.outputs.get("adminUrl"))
        url = str(self.outputs.get("adminUrl") or f"{self.api}/app")
        try:
            answer = self.client.get(url, timeout=ANSWER_SECONDS)
        except httpx.HTTPError as error:
            return Row("Admin", url, False, reason(error))
        to_login = answer.status_code == 302 and LOGIN in answer.headers.get("location", "")
        said = "a stranger meets the login" if to_login else f"answers {answer.status_code}"
        if guarded and answer.status_code == 200:
            said = "is open to strangers: 200 where Access should ask who they are"
        return Row("Admin", url, to_login if guarded else answer.status_code == 200, said)

    def image(self, picture: str) -> Row:
        url = f"{self.outputs['imagesUrl']}/{picture}/card"
        try:
            answer = self.client.get(url, timeout=ANSWER_SECONDS, headers={"Accept": "image/avif,image/webp,*/*"})
        except httpx.HTTPError as error:
            return Row("Images", url, False, reason(error))
        kind = answer.headers.get("content-type", "no content type")
        ok = answer.status_code == 200 and kind.startswith("image/") and bool(answer.content)
        said = f"{kind}, {len(answer.content) / 1000:.1f} kB" if ok else told(answer.status_code, answer.text)
        return Row("Images", url, ok, said)

    def bucket(self) -> Row:
        """The backups' bucket, by S3 with the key pair that is for it alone."""
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        name, endpoint = str(self.outputs["backupsBucket"]), str(self.outputs.get("backupsEndpoint") or "")
        keys = self.outputs.get("backupsCredentials") or {}
        if not keys:
            return Row("Bucket", f"{endpoint}/{name}", False, "the stack's outputs hold no backupsCredentials")
        limits = Config(connect_timeout=ANSWER_SECONDS, read_timeout=ANSWER_SECONDS, retries={"max_attempts": 1})
        try:
            client = boto3.client(
                "s3", endpoint_url=endpoint, region_name="auto", config=limits,
                aws_access_key_id=keys["accessKeyId"], aws_secret_access_key=keys["secretAccessKey"],
            )  # fmt: skip
            listed = client.list_objects_v2(Bucket=name, MaxKeys=OBJECTS)
        except (BotoCoreError, ClientError, ValueError) as error:
            return Row("Bucket", f"{endpoint}/{name}", False, str(error))
        more = "more than " if listed.get("IsTruncated") else ""
        return Row("Bucket", f"{endpoint}/{name}", True, f"lists {more}{listed.get('KeyCount', 0)} objects")

    def servers(self) -> Row:
        endpoint = self.hetzner.endpoint
        status, body = self.ask(f"{endpoint}/servers", authorised(self.hetzner.token))
        servers = parsed(body).get("servers", [])
        running = sum(1 for server in servers if server.get("status") == "running")
        ok = status == 200 and bool(servers) and running == len(servers)
        said = f"{running} of {len(servers)} servers run" if status == 200 else told(status, body)
        return Row("Hetzner Cloud API", endpoint, ok, said)

    def zones(self, cloudflare: Cloud) -> Row:
        status, body = self.ask(f"{cloudflare.endpoint}/zones", authorised(cloudflare.token))
        zones = parsed(body).get("result") or []
        active = [str(zone["name"]) for zone in zones if zone.get("status") == "active"]
        ok = status == 200 and bool(active)
        said = f"zone {', '.join(active)} is active" if ok else told(status, body)
        return Row("Cloudflare API", cloudflare.endpoint, ok, said)

    def targets(self) -> Row:
        """The load balancers' targets, as their health checks see them; waits for those that were not asked yet."""
        url, deadline = f"{self.hetzner.endpoint}/load_balancers", time.monotonic() + HEALTHY_SECONDS
        while True:
            status, body = self.ask(url, authorised(self.hetzner.token))
            states = [
                entry["status"]
                for balancer in parsed(body).get("load_balancers", [])
                for target in balancer.get("targets", [])
                for entry in target.get("health_status") or [{"status": "unknown"}]
            ]
            healthy = states.count("healthy")
            ok = status == 200 and bool(states) and healthy == len(states)
            if ok or status != 200 or not states or time.monotonic() > deadline:
                said = f"{healthy} of {len(states)} targets healthy" if status == 200 else told(status, body)
                return Row("Load balancer", url, ok, said)
            time.sleep(0.5)

    def ask(self, url: str, headers: Mapping[str, str] | None = None, *, follow: bool = False) -> tuple[int, str]:
        """Status and body; 0 and the reason where nothing answers."""
        try:
            answer = self.client.get(url, headers=headers, timeout=ANSWER_SECONDS, follow_redirects=follow)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return 0, reason(error)
        return answer.status_code, answer.text


def authorised(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def told(status: int, body: str) -> str:
    """A wrong answer in a few words."""
    words = " ".join(body.split())[:120]
    return f"answers {status}: {words}" if status else words


def parsed(body: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def first_picture(folder: Path) -> str:
    """The name of one of the shop's pictures; "" if there is none."""
    found = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return str(found[0].with_suffix("")) if found else ""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.toolchain.checks", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the embedded cloud's folder")
    parser.add_argument("--pictures", type=Path, required=True, help="the folder that was uploaded to Images")
    asked = parser.parse_args(arguments)
    outputs, home = json.load(sys.stdin), Home(asked.home)
    status = control.status(home)
    other = status.get("cloudflare")
    cloudflare = Cloud(other["endpoint"], home.cloudflare_token()) if other else None
    with http.client() as client:
        found = Checks(client, outputs, Cloud(str(status["endpoint"]), home.token()))
        rows = found.rows(first_picture(asked.pictures), cloudflare)
    width = max(len(row.name) for row in rows)
    longest = max((len(row.url) for row in rows if len(row.url) <= WIDE), default=WIDE)
    for row in rows:
        print(f"  {'ok' if row.ok else 'NOT OK':<6}  {row.name:<{width}}  {row.url:<{longest}}  {row.said}")
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
