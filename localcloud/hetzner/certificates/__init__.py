"""Certificates: requests (models), answers (responses) and routes."""
