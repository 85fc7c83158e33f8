"""Cloudflare Access at the edge: who may pass before which names and paths, logins, and tokens that prove it."""
