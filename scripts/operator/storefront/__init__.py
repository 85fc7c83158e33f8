"""Storefront bundles: built once, off the edge."""
