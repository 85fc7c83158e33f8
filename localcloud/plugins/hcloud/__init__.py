"""Stand-in for Pulumi's ``hcloud`` plugin: Hetzner Cloud resources, by the provider's own calls of the API."""
