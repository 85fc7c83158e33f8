"""Zones and their settings."""
