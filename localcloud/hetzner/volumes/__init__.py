"""Volumes: requests (models), answers (responses) and routes."""
