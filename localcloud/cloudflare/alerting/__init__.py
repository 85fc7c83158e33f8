"""Notifications: policies and where they go."""
