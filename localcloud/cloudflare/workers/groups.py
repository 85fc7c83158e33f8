"""All routes of Workers."""

from __future__ import annotations

from localcloud.cloudflare.workers import assets, beta, deployments, domains, extras, scripts, versions, zone_routes

ROUTES = [
    route
    for group in (scripts, versions, deployments, assets, extras, domains, zone_routes, beta)
    for route in group.ROUTES
]
