"""Servers: requests (models), answers (responses) and routes."""
