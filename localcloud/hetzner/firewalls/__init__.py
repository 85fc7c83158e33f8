"""Firewalls: requests (models), answers (responses) and routes."""
