"""The storefront at the edge: its bundle, what a Worker is given, and the resources that put both before customers.

This file and all that it imports is pure; `component` holds the resources, `serving` asks what visitors get.
"""

from __future__ import annotations

from components.storefront.bundle import Bundle, read
from components.storefront.errors import BundleError
from components.storefront.problems import problems

__all__ = ["Bundle", "BundleError", "problems", "read"]
