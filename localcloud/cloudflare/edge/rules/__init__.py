"""Rulesets: Cloudflare's expression language, and what the rules of each phase do to a request or a response."""
