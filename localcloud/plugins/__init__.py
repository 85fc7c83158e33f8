"""Stand-ins for Pulumi's resource plugins, for machines that cannot download Pulumi's own.

Each speaks the engine's provider protocol on loopback and behaves as the plugin it stands in for: the same types,
defaults, computed outputs and replacement rules, and the same requests to the provider's API.
"""
