"""All routes of the API."""

from __future__ import annotations

from localcloud.cloudflare.access import routes as access
from localcloud.cloudflare.accounts import routes as accounts
from localcloud.cloudflare.accounts import tokens
from localcloud.cloudflare.alerting import routes as alerting
from localcloud.cloudflare.buckets import routes as buckets
from localcloud.cloudflare.certificates import routes as certificates
from localcloud.cloudflare.dns import routes as dns
from localcloud.cloudflare.health import routes as health
from localcloud.cloudflare.images import routes as images
from localcloud.cloudflare.images import variants
from localcloud.cloudflare.kv import routes as kv
from localcloud.cloudflare.routing import Route
from localcloud.cloudflare.rulesets import routes as rulesets
from localcloud.cloudflare.workers import groups as workers
from localcloud.cloudflare.zones import features, settings
from localcloud.cloudflare.zones import routes as zones

GROUPS = (accounts, tokens, zones, settings, features, dns, rulesets, workers, kv, buckets, images, variants, health,
          alerting, access, certificates)  # fmt: skip
ROUTES: list[Route] = [route for group in GROUPS for route in group.ROUTES]
