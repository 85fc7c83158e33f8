"""Cloudflare on one machine: its API v4, and behind it Workers, R2, images and the edge."""
