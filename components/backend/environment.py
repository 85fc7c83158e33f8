"""Medusa's environment from settings: which host names, which origins, which keys."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.secrets import secret
from components.settings import Settings

POOL_MAX = 10
"""Connections to PostgreSQL that one process opens at most. The same for any number of instances, so that scaling
restarts nobody; an instance's two processes seldom hold more than a few."""


def environment(
    settings: Settings,
    *,
    balancer_address: str,
    database_url: pulumi.Input[str],
    redis_url: pulumi.Input[str],
    cache_redis_url: pulumi.Input[str],
) -> Mapping[str, pulumi.Input[str]]:
    """Names as Medusa and medusa-config.ts read them. Browsers may call the API from the storefront and the admin.

    Origins are the public ones, with their port where it is not 443: a browser says it in Origin.
    """
    return {
        "DATABASE_URL": database_url,
        "DATABASE_POOL_MAX": str(POOL_MAX),
        "REDIS_URL": redis_url,
        "CACHE_REDIS_URL": cache_redis_url,
        "JWT_SECRET": secret(settings.jwt_secret),
        "COOKIE_SECRET": secret(settings.cookie_secret),
        "STRIPE_API_KEY": secret(settings.stripe_api_key),
        "STRIPE_WEBHOOK_SECRET": secret(settings.stripe_webhook_secret),
        "MEDUSA_BACKEND_URL": settings.api_url,
        "STORE_CORS": settings.storefront_url,
        "ADMIN_CORS": settings.api_url,
        "AUTH_CORS": f"{settings.storefront_url},{settings.api_url}",
        "BALANCER_ADDRESS": balancer_address,
    }


def origin_secrets(settings: Settings) -> list[pulumi.Output[str]]:
    """What the edge sends, and what it sent before while that rotates: for BackendArgs."""
    given = (settings.origin_secret, settings.origin_secret_previous)
    return [secret(value) for value in given if value is not None]
