"""Runs Workers in workerd, Cloudflare's own runtime: each version a service of a generated configuration."""
