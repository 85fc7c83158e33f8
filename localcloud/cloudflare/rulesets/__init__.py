"""Rulesets of zones and of the account."""
