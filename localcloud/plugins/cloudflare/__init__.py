"""Stand-in for Pulumi's ``cloudflare`` plugin: Cloudflare resources, by the provider's own calls of the API v4."""
