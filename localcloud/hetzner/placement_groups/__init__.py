"""Placement groups: requests (models), answers (responses) and routes."""
